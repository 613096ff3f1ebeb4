// What the helper does with what deferd says: ../protocol.md, without sockets and clocks.
#pragma once
#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "pfbridge/helper/backend.h"
#include "pfbridge/helper/wire.h"

namespace deferd::bridge {

using Time = std::chrono::steady_clock::time_point;

struct NamedTable {
  std::string name;
  std::unique_ptr<Backend> backend;
};

/// The dead man's switch: while nobody says that deferd is alive, everybody passes. The rules must let the members of its table
/// reach the MTA first of all.
class Bypass {
 public:
  using Log = std::function<void(const std::string&)>;

  /// `table` may be null: there is no switch. Counts from `now`: a deferd that never comes is dead, too.
  Bypass(Backend* table, std::chrono::seconds patience, Time now, Log log);

  void alive(Time now);
  /// Call it every few seconds.
  void tick(Time now);
  /// Throws the switch now: nobody will be here to see whether deferd lives. False: it cannot be thrown.
  bool leave();
  /// Whether a helper to which nobody can come back has nothing more to do: there is no switch, it is thrown, or for as long
  /// again as its patience it could not be.
  bool is_settled(Time now) const { return !table_ || open_ || now - last_ >= 2 * patience_; }
  bool open() const { return open_; }

 private:
  Result add_everybody();

  Backend* table_;
  std::chrono::seconds patience_;
  const Time began_;
  Time last_;
  Time settled_{};  // when the table was last made as open_ says
  bool open_ = false;
  bool known_ = false;  // whether the table is as open_ says: after a start, or a failure, it is not known
  bool complained_ = false;
  Log log_;
};

/// One connection with deferd. One thread; tables and bypass outlive it.
class Service {
 public:
  using Locate = std::function<std::optional<Endpoint>(const Endpoint& client, const Endpoint& own)>;

  /// Its greeting is in output() at once.
  Service(std::vector<NamedTable>& tables, Bypass& bypass, Locate locate);

  /// Takes what deferd sent and does it. False: it broke the protocol; end the connection.
  bool take(std::string_view bytes, Time now);

  /// Tables are being read: call work() again and again, and take() what comes meanwhile.
  bool is_reading() const { return !readings_.empty(); }
  void work();

  /// A connection that the watcher saw.
  void passed(const Passed& passed) { write_frame(output_, 0, passed); }

  /// What is to be sent; the caller takes away what it has sent.
  std::string& output() { return output_; }

 private:
  void serve(const Frame& frame);
  void change(std::uint32_t id, std::uint8_t table, const std::function<Result(Backend&)>& change);
  void read(std::uint32_t id, std::uint8_t table);
  void send(std::uint32_t id, const std::vector<Entry>& entries);

  struct Ongoing {
    std::uint32_t id;
    std::unique_ptr<Reading> reading;
    std::uint32_t count = 0;
  };

  std::vector<NamedTable>& tables_;
  Bypass& bypass_;
  Locate locate_;
  FrameReader reader_;
  bool greeted_ = false;
  std::string output_;
  std::deque<Ongoing> readings_;
};

}  // namespace deferd::bridge
