#include "smtp/tls_bio.h"

#include <openssl/bio.h>

#include <cstdint>
#include <new>

#include "smtp/transport.h"

namespace deferd::smtp {
namespace {

// The descriptor is kept where a pointer could be: no memory of its own.
void set_descriptor(BIO* bio, int descriptor) {
  BIO_set_data(bio, reinterpret_cast<void*>(static_cast<std::intptr_t>(descriptor)));
}
PlainTransport socket_of(BIO* bio) {
  return PlainTransport(static_cast<int>(reinterpret_cast<std::intptr_t>(BIO_get_data(bio))));
}

int read(BIO* bio, char* into, std::size_t size, std::size_t* got) {
  BIO_clear_retry_flags(bio);
  const auto moved = socket_of(bio).read({into, size});
  if (moved.state == Moved::State::wait_read) BIO_set_retry_read(bio);
  if (moved.state == Moved::State::closed) BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
  *got = moved.bytes;
  return moved.state == Moved::State::ok;
}

int write(BIO* bio, const char* bytes, std::size_t size, std::size_t* sent) {
  BIO_clear_retry_flags(bio);
  const auto moved = socket_of(bio).write({bytes, size});
  if (moved.state == Moved::State::wait_write) BIO_set_retry_write(bio);
  *sent = moved.bytes;
  return moved.state == Moved::State::ok;
}

long control(BIO* bio, int command, long, void*) {
  switch (command) {
    case BIO_CTRL_FLUSH:
      return 1;
    case BIO_CTRL_EOF:
      return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
    default:
      return 0;
  }
}

const BIO_METHOD* method() {
  static const BIO_METHOD* const made = [] {
    auto* method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "client");
    if (method == nullptr) throw std::bad_alloc();
    BIO_meth_set_read_ex(method, read);
    BIO_meth_set_write_ex(method, write);
    BIO_meth_set_ctrl(method, control);
    return method;
  }();
  return made;
}

}  // namespace

BIO* make_tls_bio(int descriptor) {
  BIO* bio = BIO_new(method());
  if (bio == nullptr) throw std::bad_alloc();
  set_descriptor(bio, descriptor);
  BIO_set_init(bio, 1);
  return bio;
}

}  // namespace deferd::smtp
