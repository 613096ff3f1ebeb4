#include "ctl/spamd_sources.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <span>

#include "ctl/fields.h"
#include "ctl/importing.h"

namespace deferd::ctl {
namespace {

constexpr const char* kSpamdConf[] = {"/etc/mail/spamd.conf", "/usr/local/etc/spamd/spamd.conf"};
constexpr const char* kRc[] = {"/etc/rc.conf.local", "/etc/rc.conf"};

/// What a program writes, if it ends well. `command` is ours, never an operator's.
std::optional<std::string> output_of(const char* command) {
  FILE* pipe = ::popen(command, "r");
  if (pipe == nullptr) return std::nullopt;
  std::string all;
  char piece[64 * 1024];
  for (std::size_t got; (got = std::fread(piece, 1, sizeof(piece), pipe)) > 0;) all.append(piece, got);
  const int status = ::pclose(pipe);
  if (status == -1 || !WIFEXITED(status) || WEXITSTATUS(status) != 0) return std::nullopt;
  return all;
}

/// Whether the program of that name is this one: deferctl is installed as spamdb too.
bool is_ours(const std::string& program) {
  const char* path = std::getenv("PATH");
  for (const auto folder : split(path != nullptr ? path : "", ':')) {
    const auto file = std::filesystem::path(folder) / program;
    if (::access(file.c_str(), X_OK) != 0) continue;
    std::error_code ignored;
    return std::filesystem::canonical(file, ignored).filename() == "deferctl";
  }
  return false;
}

bool is_readable(const std::string& file) { return ::access(file.c_str(), R_OK) == 0; }

/// The first of the usual places where there is a file; empty if there is none.
std::string found_at(std::span<const char* const> places) {
  for (const char* place : places)
    if (is_readable(place)) return place;
  return {};
}

class Finder {
 public:
  explicit Finder(const Job& job) : arguments_(job.arguments) {}

  Outcome<SpamdSources> find() {
    for (auto step : {&Finder::flags, &Finder::lists, &Finder::dump, &Finder::tables, &Finder::rules})
      if (auto done = (this->*step)(); !done) return tl::unexpected(done.error());
    return std::move(found_);
  }

 private:
  Outcome<void> flags() {
    std::string text = arguments_.flags;
    if (text.empty()) {
      const auto file = arguments_.rc.empty() ? found_at(kRc) : arguments_.rc;
      if (!file.empty()) {
        auto rc = read_input(file);
        if (!rc) return tl::unexpected(rc.error());
        text = spamd_flags_in(*rc).value_or("");
      }
    }
    auto flags = read_spamd_flags(text);
    if (!flags) return tl::unexpected(Failure{kUsage, flags.error().what});
    found_.setup.flags = std::move(*flags);
    return {};
  }

  Outcome<void> lists() {
    auto& conf = found_.setup.spamd_conf;
    conf = arguments_.spamd_conf.empty() ? found_at(kSpamdConf) : arguments_.spamd_conf;
    if (conf.empty()) return {};
    if (!is_readable(conf)) return tl::unexpected(Failure{kUsage, conf + ": cannot be read"});
    conf = std::filesystem::absolute(conf).lexically_normal().string();
    const auto domains = std::filesystem::path(conf).replace_filename("spamd.alloweddomains").string();
    if (is_readable(domains)) found_.setup.allowed_domains = domains;
    return {};
  }

  Outcome<void> dump() {
    if (!arguments_.what.empty()) {
      auto text = read_input(arguments_.what);
      if (!text) return tl::unexpected(text.error());
      found_.dump_name = arguments_.what;
      found_.dump = std::move(*text);
      return {};
    }
    if (found_.setup.flags.black_list_only) return {};
    if (is_ours("spamdb"))
      return tl::unexpected(Failure{kUsage, "spamdb is deferd's own here: give a file with what spamd's spamdb prints"});
    auto text = output_of("spamdb");
    if (!text) return tl::unexpected(Failure{kUsage, "spamdb failed: give a file with what it prints"});
    found_.dump_name = "spamdb";
    found_.dump = std::move(*text);
    return {};
  }

  /// Of a table: the file that was named, or what pfctl shows of it.
  Outcome<PfTable> table(const std::string& name, const std::string& file, const char* command) {
    std::optional<std::string> text;
    if (!file.empty()) {
      auto read = read_input(file);
      if (!read) return tl::unexpected(read.error());
      text = std::move(*read);
    } else {
      text = output_of(command);
    }
    auto table = read_pf_table(text.value_or(""));
    if (!text) found_.unread.push_back("the table <" + name + "> was not read: pfctl failed; see --" + name);
    if (table.left_out > 0)
      found_.unread.push_back(std::to_string(table.left_out) + " members of <" + name + "> are no addresses, or negated");
    return table;
  }

  Outcome<void> tables() {
    if (found_.setup.flags.black_list_only) return {};
    auto passing = table("spamd-white", arguments_.white_file, "pfctl -q -t spamd-white -T show 2>/dev/null");
    if (!passing) return tl::unexpected(passing.error());
    found_.passing = std::move(*passing);
    auto never = table("nospamd", arguments_.nospamd_file, "pfctl -q -t nospamd -T show 2>/dev/null");
    if (!never) return tl::unexpected(never.error());
    found_.setup.never_asked = std::move(never->members);
    return {};
  }

  Outcome<void> rules() {
    if (arguments_.rules.empty() && !is_readable("/etc/pf.conf")) return {};
    auto text = read_input(arguments_.rules.empty() ? "/etc/pf.conf" : arguments_.rules);
    if (!text) return tl::unexpected(text.error());
    found_.rules = std::move(*text);
    return {};
  }

  const Arguments& arguments_;
  SpamdSources found_;
};

}  // namespace

Outcome<SpamdSources> read_spamd_sources(const Job& job) { return Finder(job).find(); }

}  // namespace deferd::ctl
