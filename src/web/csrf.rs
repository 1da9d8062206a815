//! Forms that only our own pages can send.
