//! Deleting what is past its time.
