// What greylisting says to one recipient of one message, and why.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "deferd/time.h"

namespace deferd::greylist {

enum class Answer : std::uint8_t {
  // deferred
  fresh,    ///< First try.
  early,    ///< Too early a retry.
  matured,  ///< Profile spamd: this retry made the client white, the next one passes.
  quota,    ///< The source has left too many new tuples: not stored.
  trapped,  ///< The client is in the table `trapped`.
  // passed
  white,          ///< The client is in the table `white`.
  retried,        ///< The tuple's waiting is over.
  released,       ///< An operator released the tuple.
  connected,      ///< The client's earlier connection was its first try.
  correspondent,  ///< The recipient has written to the sender.
  expected,       ///< Somebody expects the mail.
  known,          ///< The identity is known for the sender's domain.
  max_wait,       ///< The pair has waited long enough.
};
inline constexpr std::pair<Answer, std::string_view> kAnswers[] = {
    {Answer::fresh, "new"},           {Answer::early, "early"},
    {Answer::matured, "matured"},     {Answer::quota, "quota"},
    {Answer::trapped, "trapped"},     {Answer::white, "white"},
    {Answer::retried, "retried"},     {Answer::released, "released"},
    {Answer::connected, "connected"}, {Answer::correspondent, "correspondent"},
    {Answer::expected, "expected"},   {Answer::known, "known"},
    {Answer::max_wait, "max_wait"},
};
inline constexpr std::size_t kAnswerCount = std::size(kAnswers);

constexpr bool lets_through(Answer answer) { return answer >= Answer::white; }

struct Outcome {
  Answer answer = Answer::fresh;
  std::string reason;
  Time due{};                ///< If deferred: from when a retry passes; 0 is unknown.
  Duration waited{};         ///< If passed: for how long this mail was kept waiting.
  bool earns_white = false;  ///< The client has retried, by evidence.
  bool learns = false;       ///< A pass of a pair that had not passed before.
};

}  // namespace deferd::greylist
