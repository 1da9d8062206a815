//! Clients and their secrets.
