//! What a request brings: parameters, client, peer.
