// The conversation with one helper (protocol.md): greeting, signs of life, and which table's request an answer belongs to. Bytes
// in, bytes out.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "pfbridge/table_sync.h"

namespace deferd::pfbridge {

/// Which of the helper's tables hold which set.
struct LinkTables {
  bool none = false;                                 ///< It is a helper that captures: it has no tables.
  std::vector<std::pair<Set, std::string>> by_name;  ///< Empty: those of the same name.
  bool operator==(const LinkTables&) const = default;
};

/// One thread. After lost() all is made up for by reading back once it is connected() anew.
class Link {
 public:
  static constexpr auto kAliveEvery = std::chrono::seconds{10};
  static constexpr auto kGreetingWithin = std::chrono::seconds{30};
  static constexpr auto kAnswerWithin = std::chrono::minutes{5};  ///< A packet filter may be slow.

  using Passed = std::function<void(const bridge::Passed&)>;
  using Told = std::function<void(const std::string& table, const SyncStatus&)>;

  Link(LinkTables tables, const Wanted& wanted, SyncRules rules, Passed passed, Told told);

  void connected(SteadyTime now);
  /// Errors: invalid, if it is not of the protocol: hang up.
  Result<void> receive(std::string_view bytes, SteadyTime now);
  /// Puts into output() what is to be said now. Errors: busy, if the helper does not answer: hang up.
  Result<void> step(std::string_view position, SteadyTime now, Time wall);
  void lost(SteadyTime now);

  /// What is to be sent; the caller takes away what it has sent.
  std::string& output() { return output_; }
  bool is_connected() const { return connected_; }
  bool is_greeted() const { return greeted_; }

  struct Request {
    std::uint32_t id = 0;  ///< 0: none is under way.
    SteadyTime at{};       ///< When it was made, or the helper last worked on it.
  };
  struct Table {
    std::string name;
    unsigned place = 0;  ///< Among the helper's tables of this name.
    TableSync sync;
    bool prepared = false;               ///< It was told what was removed before we began.
    bool without_leases = false;         ///< It was seen to hold none that is over.
    std::optional<std::uint8_t> number;  ///< The helper's, while it has it.
    Request change{}, reading{};
  };
  std::vector<std::unique_ptr<Table>>& tables() { return tables_; }
  const std::vector<std::unique_ptr<Table>>& tables() const { return tables_; }
  /// Names that were configured and that the helper does not have.
  const std::vector<std::string>& absent() const { return absent_; }

  void touch(Set set, const Prefix& entry, bool was, SteadyTime now);

 private:
  void greet(const bridge::Hello& hello);
  std::optional<Set> set_of(const std::string& name) const;
  Table* waiting_for(std::uint32_t id, Request Table::*request);
  Result<void> answer(const bridge::Frame& frame, SteadyTime now);

  const LinkTables wanted_tables_;
  const Wanted& wanted_;
  const SyncRules rules_;
  const Passed passed_;
  const Told told_;

  std::vector<std::unique_ptr<Table>> tables_;
  std::vector<std::string> absent_;
  bridge::FrameReader reader_;
  std::string output_;
  bool connected_ = false, greeted_ = false;
  SteadyTime connected_at_{}, alive_at_{};
  std::uint32_t next_id_ = 1;
};

}  // namespace deferd::pfbridge
