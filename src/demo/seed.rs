//! The people, organisations and clients of the demo.
