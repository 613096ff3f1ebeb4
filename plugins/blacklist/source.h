// Fetching: what a source holds now, or that it holds what it held. Blocks, within a time limit; for a background thread.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>

#include "deferd/commands.h"
#include "deferd/result.h"
#include "source_spec.h"
#include "take.h"

namespace deferd::blacklist {

/// By what a source is asked whether anything is new. Of a file: what the file system says of it.
struct Validators {
  std::string etag;
  std::string modified;  ///< An HTTP date, as the server gave it.
};

struct Fetched {
  bool unchanged = false;  ///< Then nothing was handed on.
  Validators validators;
};

struct FetchLimits {
  std::uint64_t bytes = 0;
  std::chrono::milliseconds time{};
  std::string ca_file;  ///< Of authorities that https servers may be certified by; empty: the system's.
};

/// How far it is. Any thread.
struct Progress {
  std::atomic<std::uint64_t> bytes{0};
  std::atomic<std::uint64_t> total{0};  ///< 0: not known.
};

/// Sees a fetch, and can end it.
struct Watch {
  Progress& progress;
  const std::atomic<bool>& stop;
  Commands* commands = nullptr;  ///< That run programs; null: none is run.
};

/// Hands on what the source holds, as it comes, perhaps packed. It counts only if no error follows: io (a local file),
/// unavailable (no answer, half of it, time is up, stopped), invalid (too large, not permitted), with what an operator needs to
/// know; and what `take` fails with.
Result<Fetched> fetch(const SourceSpec& source, const Validators& known, const FetchLimits& limits, const Watch& watch,
                      const Take& take);

/// Only certified servers; redirects are followed at most 5 times and never from https to http; no other schemes than http, https
/// and ftp. `If-None-Match` and `If-Modified-Since` of RFC 9110 section 13.
Result<Fetched> fetch_url(const std::string& url, const Validators& known, const FetchLimits& limits, const Watch& watch,
                          const Take& take);

/// Runs a program (deferd/commands.h), never as root, with standard input empty and its standard error dropped. It must end by
/// itself with status 0; at the time limit it is killed with all it has started.
Result<Fetched> fetch_command(const std::vector<std::string>& words, const FetchLimits& limits, const Watch& watch,
                              const Take& take);

/// Bytes; nothing if it is no ordinary file.
std::optional<std::uint64_t> size_of_file(const std::string& path);

Result<Fetched> fetch_file(const std::string& path, const Validators& known, const FetchLimits& limits, const Watch& watch,
                           const Take& take);

}  // namespace deferd::blacklist
