#include "milter/milter_link.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "milter/milter_links.h"
#include "milter/workers.h"

namespace deferd {

namespace {

constexpr std::size_t kRead = 64 * 1024;

}  // namespace

MilterLink::MilterLink(MilterLinks& links, int socket)
    : links_(links), socket_(socket), descriptor_(links.io()), connection_(links.board()) {}

MilterLink::~MilterLink() {
  if (!descriptor_.is_open()) ::close(socket_);
}

void MilterLink::cut() { ::shutdown(socket_, SHUT_RDWR); }

void MilterLink::begin() {
  run([this] { receive(); });
}

// Nothing may use the link after `work`.
template <class Work>
void MilterLink::run(Work work) {
  const Workers::Step step;
  waiting_since_.store(0, std::memory_order_relaxed);
  try {
    work();
    return;
  } catch (const std::exception& error) {
    links_.board().failed("connection", error.what());
  } catch (...) {
    links_.board().failed("connection", "unknown");
  }
  finish();
}

void MilterLink::receive() {
  thread_local std::array<char, kRead> buffer;
  ssize_t got = 0;
  do got = ::recv(socket_, buffer.data(), buffer.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return wait(Descriptor::wait_read);
  if (got <= 0) return finish();
  next_ = connection_.take({buffer.data(), static_cast<std::size_t>(got)});
  if (!delayed()) advance();
}

bool MilterLink::delayed() {
  if (next_ != MilterConnection::Next::pause || connection_.pace().count() == 0) return false;
  return links_.sleepers().sleep(connection_.pace(), links_.board().config()->max_sleepers,
                                 [this] { run([this] { advance(); }); });
}

void MilterLink::advance() {
  for (;;) {
    if (!send()) return;
    if (next_ == MilterConnection::Next::hang_up) return finish();
    if (next_ == MilterConnection::Next::read) return wait(Descriptor::wait_read);
    next_ = connection_.go_on();
    if (delayed()) return;
  }
}

// False: it will be gone on with elsewhere, or the link is no more.
bool MilterLink::send() {
  const auto& out = connection_.out();
  while (sent_ < out.size()) {
    const auto done = ::send(socket_, out.data() + sent_, out.size() - sent_, MSG_NOSIGNAL);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      wait(Descriptor::wait_write);
      return false;
    }
    if (done < 0) {
      finish();
      return false;
    }
    sent_ += static_cast<std::size_t>(done);
  }
  connection_.sent();
  sent_ = 0;
  return true;
}

void MilterLink::wait(Descriptor::wait_type what) {
  waiting_since_.store(links_.tick(), std::memory_order_relaxed);
  boost::system::error_code error;
  if (!descriptor_.is_open()) descriptor_.assign(socket_, error);
  if (error) {
    links_.board().failed("connection", error.message());
    return finish();
  }
  // Another thread may be past this wait before it returns.
  descriptor_.async_wait(what, [this, what](const boost::system::error_code& failed) {
    run([&] {
      if (failed)
        finish();
      else if (what == Descriptor::wait_read)
        receive();
      else
        advance();
    });
  });
}

void MilterLink::finish() { links_.close(*this); }

}  // namespace deferd
