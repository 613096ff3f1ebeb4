// What OpenSSL reads from and writes to: a socket, by PlainTransport's calls. OpenSSL's own writes with write(2), which raises
// SIGPIPE when the client is gone.
#pragma once
#include <openssl/types.h>

namespace deferd::smtp {

/// Does not own the descriptor, and never blocks on it. Throws std::bad_alloc.
BIO* make_tls_bio(int descriptor);

}  // namespace deferd::smtp
