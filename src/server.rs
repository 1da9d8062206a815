//! The server and its route table.
