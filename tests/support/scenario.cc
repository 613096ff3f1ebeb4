#include "support/scenario.h"

#include <algorithm>
#include <filesystem>
#include <sstream>

namespace deferd::scenario {

namespace {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t' || text.front() == '\r')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> all;
  std::istringstream stream{std::string(text)};
  for (std::string word; stream >> word;) all.push_back(word);
  return all;
}

std::vector<std::string_view> split(std::string_view text, std::string_view by) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(by);
    parts.push_back(trim(text.substr(0, at)));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + by.size());
  }
}

std::string unbracket(std::string address) {
  if (address.size() >= 2 && address.front() == '<' && address.back() == '>') return address.substr(1, address.size() - 2);
  return address;
}

Result<std::chrono::seconds> seconds(const std::string& text) {
  auto duration = parse_duration(text);
  if (!duration) return fail(Errc::invalid, "'" + text + "': " + duration.error().what);
  return std::chrono::duration_cast<std::chrono::seconds>(*duration);
}

/// A setting's text with $HERE, the folder of the scenario's file, filled in.
std::string here(std::string_view text, const std::string& file) {
  constexpr std::string_view kHere = "$HERE";
  std::string filled(text);
  if (const auto at = filled.find(kHere); at != std::string::npos)
    filled.replace(at, kHere.size(), std::filesystem::absolute(file).parent_path().string());
  return filled;
}

/// `pass`, `451`, `451 4.7.1`, each perhaps with `by PLUGIN`.
Result<Heard> parse_heard(std::string_view text) {
  Heard heard;
  const auto parts = words(text);
  std::size_t i = 0;
  if (parts.empty()) return fail(Errc::invalid, "what is expected is missing");
  if (parts[i] != "pass") {
    heard.code = std::atoi(parts[i].c_str());
    if (heard.code < 400 || heard.code > 599)
      return fail(Errc::invalid, "'" + parts[i] + "' is neither pass nor a 4xx or 5xx code");
  }
  ++i;
  if (i < parts.size() && parts[i].find('.') != std::string::npos) heard.enhanced = parts[i++];
  if (i + 1 < parts.size() && parts[i] == "by") {
    heard.plugin = parts[i + 1];
    i += 2;
  }
  if (i != parts.size()) return fail(Errc::invalid, "'" + parts[i] + "' is not understood after the code");
  return heard;
}

Result<Expected> parse_expected(std::string_view text) {
  Expected expected;
  bool first = true;
  for (const auto part : split(text, "|")) {
    const auto colon = part.find(':');
    const auto who = colon == std::string_view::npos ? std::string_view() : trim(part.substr(0, colon));
    auto heard = parse_heard(colon == std::string_view::npos ? part : part.substr(colon + 1));
    if (!heard) return tl::unexpected(heard.error());
    if (first)
      expected.decision = *heard;
    else if (who == "milter")
      expected.milter = *heard;
    else if (who == "smtp")
      expected.smtp = *heard;
    else
      return fail(Errc::invalid, "after | comes milter: or smtp:");
    first = false;
  }
  return expected;
}

Result<Try> parse_try(std::string_view text) {
  const auto arrow = text.find("->");
  if (arrow == std::string_view::npos) return fail(Errc::invalid, "try needs -> and what is expected");
  Try attempt;
  std::vector<std::string> addresses;
  for (const auto& word : words(text.substr(0, arrow))) {
    const auto equals = word.find('=');
    const auto key = word.substr(0, equals);
    const auto value = equals == std::string::npos ? std::string() : word.substr(equals + 1);
    if (word == "quits")
      attempt.quits = true;
    else if (equals != std::string::npos && key == "helo")
      attempt.helo = value;
    else if (equals != std::string::npos && key == "name")
      attempt.name = value;
    else if (equals != std::string::npos && key == "auth")
      attempt.auth = value;
    else if (equals != std::string::npos && key == "tls")
      attempt.tls_subject = value;
    else
      addresses.push_back(word);
  }
  if (addresses.size() < 3) return fail(Errc::invalid, "try needs CLIENT FROM RECIPIENT...");
  auto client = Address::parse(addresses[0]);
  if (!client) return tl::unexpected(client.error());
  attempt.client = *client;
  attempt.from = unbracket(addresses[1]);
  for (std::size_t i = 2; i < addresses.size(); ++i) attempt.to.push_back(unbracket(addresses[i]));
  for (const auto part : split(text.substr(arrow + 2), ";")) {
    const bool data = part.substr(0, 5) == "data ";
    auto expected = parse_expected(data ? part.substr(5) : part);
    if (!expected) return tl::unexpected(expected.error());
    if (data)
      attempt.data = *expected;
    else
      attempt.expected.push_back(*expected);
  }
  if (attempt.expected.size() != 1 && attempt.expected.size() != attempt.to.size())
    return fail(Errc::invalid, "expects " + std::to_string(attempt.expected.size()) + " answers for " +
                                   std::to_string(attempt.to.size()) + " recipients; give one for all, or one each, between ;");
  return attempt;
}

Result<Step> parse_step(const std::string& verb, std::string_view rest, std::chrono::seconds since_start) {
  Step step{};
  const auto parts = words(rest);
  const auto wants = [&](std::initializer_list<std::size_t> counts, const char* form) -> Result<void> {
    if (std::find(counts.begin(), counts.end(), parts.size()) == counts.end())
      return fail(Errc::invalid, "write: " + std::string(form));
    return {};
  };
  const auto after_keyword = [&](const std::string& keyword) -> std::string {
    const auto at = std::find(parts.begin(), parts.end(), keyword);
    return at == parts.end() || at + 1 == parts.end() ? std::string() : *(at + 1);
  };
  if (verb == "try") {
    auto attempt = parse_try(rest);
    if (!attempt) return tl::unexpected(attempt.error());
    step.kind = Step::Kind::attempt;
    step.attempt = std::move(*attempt);
  } else if (verb == "after" || verb == "at") {
    if (auto ok = wants({1}, "after 25m, at 1h30m"); !ok) return tl::unexpected(ok.error());
    auto duration = seconds(parts[0]);
    if (!duration) return tl::unexpected(duration.error());
    step.kind = Step::Kind::after;
    step.after.duration = verb == "at" ? *duration - since_start : *duration;
    if (step.after.duration < std::chrono::seconds(0)) return fail(Errc::invalid, "'" + parts[0] + "' is over already");
  } else if (verb == "add") {
    if (auto ok = wants({2, 4}, "add white 192.0.2.0/24 [for 36d]"); !ok) return tl::unexpected(ok.error());
    auto duration = seconds(parts.size() == 2 ? "36d" : after_keyword("for"));
    if (!duration) return tl::unexpected(duration.error());
    step.kind = Step::Kind::add_row;
    step.add_row = {parts[0], parts[1], *duration};
  } else if (verb == "delete") {
    if (auto ok = wants({1}, "delete 192.0.2.7"); !ok) return tl::unexpected(ok.error());
    step.kind = Step::Kind::remove;
    step.remove.prefix = parts[0];
  } else if (verb == "expect") {
    if (auto ok = wants({3, 5}, "expect b@example.net [from example.org] for 15m"); !ok) return tl::unexpected(ok.error());
    auto duration = seconds(after_keyword("for"));
    if (!duration) return tl::unexpected(duration.error());
    step.kind = Step::Kind::expect_mail;
    step.expect_mail = {parts[0], after_keyword("from"), *duration};
  } else if (verb == "release") {
    if (auto ok = wants({0}, "release"); !ok) return tl::unexpected(ok.error());
    step.kind = Step::Kind::release;
  } else if (verb == "check") {
    if (parts.size() != 4 || parts[2] != "->" || (parts[3] != "yes" && parts[3] != "no"))
      return fail(Errc::invalid, "write: check white 192.0.2.7 -> yes");
    auto address = Address::parse(parts[1]);
    if (!address) return tl::unexpected(address.error());
    step.kind = Step::Kind::check_row;
    step.check_row = {parts[0], *address, parts[3] == "yes"};
  } else {
    return fail(Errc::invalid, "'" + verb + "' is none of conf, set, try, after, at, add, delete, expect, release, check");
  }
  return step;
}

}  // namespace

std::string Heard::to_string() const {
  std::string text = code == 0 ? "pass" : std::to_string(code);
  if (!enhanced.empty()) text += ' ' + enhanced;
  if (!plugin.empty()) text += " by " + plugin;
  return text;
}

std::string Scenario::yaml() const {
  std::string text = settings + "plugins:\n";
  for (const auto& plugin : plugins) text += "  - " + plugin + "\n";
  return text;
}

Result<Scenario> parse(const std::string& file, std::string_view text) {
  Scenario scenario;
  scenario.file = file;
  int number = 0;
  bool in_conf = false;
  std::chrono::seconds since_start{0};
  for (const auto raw : split(text, "\n")) {
    ++number;
    const auto line = trim(raw);
    if (line.empty()) continue;
    if (line.front() == '#') {
      if (scenario.title.empty()) scenario.title = std::string(trim(line.substr(1)));
      continue;
    }
    const auto space = line.find_first_of(" \t");
    const std::string verb(line.substr(0, space));
    const auto rest = space == std::string_view::npos ? std::string_view() : trim(line.substr(space));
    const bool configures = verb == "conf" || verb == "set" || verb == "+";
    if (configures && !scenario.steps.empty())
      return fail(Errc::invalid, file + ":" + std::to_string(number) + ": conf, + and set come before the first step");
    if (verb == "conf") {
      scenario.plugins.push_back(here(rest, file));
      in_conf = true;
    } else if (verb == "+" && in_conf) {  // host settings beside the plugin above
      scenario.plugins.back() += "\n    " + here(rest, file);
    } else if (verb == "set") {
      scenario.settings += here(rest, file) + "\n";
    } else {
      in_conf = false;
      auto step = parse_step(verb, rest, since_start);
      if (!step) return fail(Errc::invalid, file + ":" + std::to_string(number) + ": " + step.error().what);
      step->line = number;
      since_start += step->after.duration;
      scenario.steps.push_back(std::move(*step));
    }
  }
  if (scenario.steps.empty()) return fail(Errc::invalid, file + ": holds no step");
  return scenario;
}

namespace {

bool matches(const Heard& expected, const Heard& heard) {
  return expected.code == heard.code &&
         (expected.enhanced.empty() || heard.enhanced.empty() || expected.enhanced == heard.enhanced) &&
         (expected.plugin.empty() || heard.plugin.empty() || expected.plugin == heard.plugin);
}

const Heard& expected_of(const Expected& expected, const std::string& driver) {
  if (driver == "milter" && expected.milter) return *expected.milter;
  if (driver == "smtp" && expected.smtp) return *expected.smtp;
  return expected.decision;
}

void compare(const std::string& place, const std::string& subject, const Heard& expected, const Heard& heard,
             std::vector<std::string>& wrong) {
  if (!matches(expected, heard))
    wrong.push_back(place + ": " + subject + ": expected " + expected.to_string() + ", heard " + heard.to_string());
}

Result<void> play_step(const Step& step, Driver& driver, const std::string& place, std::vector<std::string>& wrong) {
  switch (step.kind) {
    case Step::Kind::attempt: {
      auto outcome = driver.attempt(step.attempt);
      if (!outcome) return tl::unexpected(outcome.error());
      for (std::size_t i = 0; i < step.attempt.to.size(); ++i)
        compare(place, "<" + step.attempt.to[i] + ">",
                expected_of(step.attempt.expected[step.attempt.expected.size() == 1 ? 0 : i], driver.name()),
                outcome->recipients.at(i), wrong);
      if (step.attempt.data) compare(place, "DATA", expected_of(*step.attempt.data, driver.name()), outcome->data, wrong);
      return {};
    }
    case Step::Kind::after:
      return driver.after(step.after.duration);
    case Step::Kind::add_row:
      return driver.add_row(step.add_row);
    case Step::Kind::remove:
      return driver.remove(step.remove.prefix);
    case Step::Kind::expect_mail:
      return driver.expect_mail(step.expect_mail);
    case Step::Kind::release:
      return driver.release();
    case Step::Kind::check_row: {
      auto present = driver.has_row(step.check_row.table, step.check_row.address);
      if (!present) return tl::unexpected(present.error());
      if (*present != step.check_row.present)
        wrong.push_back(place + ": " + step.check_row.address.to_string() + " is " + (*present ? "" : "not ") + "in " +
                        step.check_row.table);
      return {};
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> play(const Scenario& scenario, Driver& driver) {
  std::vector<std::string> wrong;
  for (const auto& step : scenario.steps) {
    const auto place = scenario.file + ":" + std::to_string(step.line);
    if (auto result = play_step(step, driver, place, wrong); !result) {
      wrong.push_back(place + ": " + result.error().what);
      break;
    }
  }
  return wrong;
}

}  // namespace deferd::scenario
