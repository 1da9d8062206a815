//! Who may call itself a client.
