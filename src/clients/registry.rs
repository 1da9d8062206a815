//! The registered clients and resources, as a node knows them.
