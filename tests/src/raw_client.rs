//! A client that sends whatever bytes a test wants.
