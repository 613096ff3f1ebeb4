#include "recipients.h"

#include <algorithm>
#include <array>

namespace deferd::traplist {
namespace {

using namespace std::chrono_literals;

constexpr auto kLetAlone = 1s;
constexpr auto kBetweenRecoveries = 1min;

// user+anything@example.org is user@example.org; a name that begins with a plus has no extension.
std::string without_extension(std::string_view folded) {
  const auto local = local_part(folded);
  const auto plus = local.find('+');
  if (plus == local.npos || plus == 0) return std::string(folded);
  return std::string(local.substr(0, plus)) + "@" + std::string(domain_of(folded));
}

bool in_file(const AddressSet& set, std::string_view folded) { return holds(set, folded) || set.contains(local_part(folded)); }

}  // namespace

Recipients::Recipients(const RecipientsConfig& config, LoadedFiles& files, Log& log, Counter& failures)
    : timeout_(config.timeout), failures_(failures) {
  for (const auto& path : config.files) {
    files_.push_back(or_throw(files.load(path, LoadedFiles::Words::whole, log)));
    if (files_.back()->size() == 0) throw ErrorException({Errc::invalid, path + ": has no recipient"});
  }
  if (!config.socketmap.empty()) map_.emplace(or_throw(SocketmapPlace::parse(config.socketmap)));
}

bool Recipients::knows(std::string_view folded, Context& context) {
  if (domain_of(folded).empty() || local_part(folded) == "postmaster") return true;
  const auto plain = without_extension(folded);
  for (const auto& file : files_)
    if (in_file(*file, folded) || in_file(*file, plain)) return true;
  return map_ && asks_map(folded, plain, context);
}

bool Recipients::asks_map(std::string_view folded, std::string_view plain, Context& context) {
  const auto now = context.clock().steady();
  if (lets_map_alone(now)) return true;
  // A tenth of what is left is for the rest of us: an answer that is late is no answer.
  const auto left = (context.deadline() - now) / 10 * 9;
  const auto deadline = std::chrono::steady_clock::now() + std::min<SteadyTime::duration>(timeout_, left);
  const auto domain = folded.substr(folded.rfind('@'));
  const std::array<std::string_view, 3> keys = {folded, plain, domain};
  for (std::size_t i = 0; i < keys.size(); ++i) {
    if (i == 1 && plain == folded) continue;
    const auto found = map_->has(keys[i], deadline);
    if (!found) {
      failed(found.error(), context);
      return true;
    }
    answered(context);
    if (*found) return true;
  }
  return false;
}

bool Recipients::lets_map_alone(SteadyTime now) {
  const std::lock_guard lock(mutex_);
  return now < asks_again_;
}

void Recipients::failed(const Error& error, Context& context) {
  failures_.add();
  const std::lock_guard lock(mutex_);
  asks_again_ = context.clock().steady() + kLetAlone;
  if (!std::exchange(failing_, true)) context.log().error("traplist.map_failing", {{"error", error.what}});
}

void Recipients::answered(Context& context) {
  const std::lock_guard lock(mutex_);
  const auto now = context.clock().steady();
  if (!failing_ || now < may_recover_) return;
  failing_ = false;
  may_recover_ = now + kBetweenRecoveries;
  context.log().notice("traplist.map_recovered", {});
}

}  // namespace deferd::traplist
