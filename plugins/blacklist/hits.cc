#include "hits.h"

#include <algorithm>

#include "deferd/list_message.h"

namespace deferd::blacklist {

void Hits::add(std::string_view list, ListAction action, std::string_view message, const std::vector<std::string>& tags) {
  names_ += (names_.empty() ? "" : ", ") + std::string(list);
  tags_.push_back("list=" + std::string(list));
  tags_.insert(tags_.end(), tags.begin(), tags.end());
  if (action_ == ListAction::tag) action_ = action;
  if (action != ListAction::defer && action != ListAction::reject) return;
  auto text = list_message(message, client_);
  if (!text.empty() && std::find(messages_.begin(), messages_.end(), text) == messages_.end())
    messages_.push_back(std::move(text));
}

Verdict Hits::verdict() const {
  Verdict verdict;
  const std::string reason = "on " + names_;
  std::string text;
  std::size_t lines = 0;
  for (const auto& message : messages_) {
    lines += static_cast<std::size_t>(std::count(message.begin(), message.end(), '\n')) + 1;
    if (lines > kMostLines) break;
    text += (text.empty() ? "" : "\n") + message;
  }
  switch (action_) {
    case ListAction::accept:
      verdict = Verdict::accept(reason);
      break;
    case ListAction::tag:
      verdict = Verdict::pass(reason);
      break;
    case ListAction::defer:
      verdict = Verdict::defer({450, "4.7.1", std::move(text)}, reason);
      break;
    case ListAction::reject:
      verdict = Verdict::reject({550, "5.7.1", std::move(text)}, reason);
      break;
  }
  if (action_ == ListAction::defer || action_ == ListAction::reject) verdict.tags.emplace_back("blacklist.hit");
  verdict.tags.insert(verdict.tags.end(), tags_.begin(), tags_.end());
  return verdict;
}

}  // namespace deferd::blacklist
