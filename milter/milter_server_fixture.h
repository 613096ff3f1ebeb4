// The server behind a scripted pipeline, on a socket in a folder of its own.
#pragma once
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "deferd/plugin.h"
#include "deferd/testing/fake_log.h"
#include "milter/milter_server.h"
#include "milter/scripted_dialogue.h"
#include "milter_client.h"

namespace deferd {

/// The calls of dialogues, in the order they are made. Thread-safe.
class Calls {
 public:
  void add(std::string_view call) {
    const std::lock_guard lock(mutex_);
    calls_.emplace_back(call);
    all_ += std::string(call) + "\n";
    more_.notify_all();
  }
  /// Waits for this call, which none of those seen so far is; false if it never comes.
  bool come_to(const std::string& wanted) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!more_.wait_for(lock, std::chrono::seconds(60), [this] { return !calls_.empty(); })) return false;
      const auto call = std::move(calls_.front());
      calls_.pop_front();
      if (call == wanted) return true;
    }
  }
  std::string all() {
    const std::lock_guard lock(mutex_);
    return all_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable more_;
  std::deque<std::string> calls_;
  std::string all_;
};

class MilterServerTest : public testing::Test {
 protected:
  MilterServerTest() {
    char name[] = "/tmp/deferd-milter-XXXXXX";
    dir_ = ::mkdtemp(name);
    path = file("milter.sock");
    socket = "unix:" + path;
    config.drain = std::chrono::seconds(0);
    script.on_call = [this](std::string_view call) { calls.add(call); };
  }
  ~MilterServerTest() override {
    server.reset();
    std::filesystem::remove_all(dir_);
  }

  std::string file(const std::string& name) const { return (dir_ / name).string(); }
  std::unique_ptr<MilterServer> make(const std::vector<MilterSocket>& sockets) {
    script.voice = config.voice;
    return std::make_unique<MilterServer>(
        sockets, config,
        MilterServer::Wiring{
            [this](Session session, Voice) { return std::make_unique<ScriptedDialogue>(script, std::move(session)); },
            [this] { return script.hooks; }, log, metrics});
  }
  void serve() { serve({or_throw(MilterSocket::parse(socket))}); }
  void serve(const std::vector<MilterSocket>& sockets) {
    server = make(sockets);
    server->start();
  }
  Result<void> change_to(const std::vector<MilterSocket>& sockets) {
    auto change = server->prepare(sockets, config);
    if (!change) return tl::unexpected(change.error());
    server->apply(std::move(*change));
    return {};
  }
  static MilterSocket at(const std::string& path) { return or_throw(MilterSocket::parse("unix:" + path)); }
  static MilterSocket loopback(const char* address) { return {{}, *Address::parse(address), 0}; }

  static void greet(MilterClient& mta) {
    mta.negotiate();
    mta.connect("mail.example.org", "192.0.2.7");
    mta.helo("mail.example.org");
  }
  /// Whether a milter answers there as the script says.
  static void expect_served(const std::string& where) {
    MilterClient mta(where);
    greet(mta);
    mta.mail("<a@example.org>");
    EXPECT_EQ(mta.rcpt("<defer@example.net>").smtp_code(), 451) << where;
  }
  mode_t mode_of_socket() const {
    struct stat info {};
    EXPECT_EQ(::stat(path.c_str(), &info), 0);
    return info.st_mode & 0777;
  }

  MilterConfig config;
  Script script;
  Calls calls;
  FakeLog log;
  Metrics metrics;
  std::string path, socket;
  std::unique_ptr<MilterServer> server;

 private:
  std::filesystem::path dir_;
};

}  // namespace deferd
