// add, delete, release, expect, reload, backup.
#include <filesystem>

#include "ctl/answers.h"
#include "ctl/table.h"
#include "http/url.h"

namespace deferd::ctl {
namespace {

Outcome<void> add_trap(const Job& job) {
  if (!job.arguments.lasting.empty() || !job.arguments.note.empty())
    return tl::unexpected(Failure{kUsage, "a trap is one until it is deleted: no --for, no --note"});
  Question question{"PUT", "/v1/traps", Value::map()};
  question.body.set("address", job.arguments.what);
  return print_answer(job, question, [&](const Value& answer) {
    const Value* fresh = answer.find("new");
    job.screen.out << '<' << cell(answer, "address") << "> is a trap"
                   << (fresh != nullptr && fresh->boolean() ? " from now on" : " already") << '\n';
  });
}

Outcome<void> delete_trap(const Job& job) {
  return print_answer(job, {"DELETE", "/v1/traps?address=" + percent_encode(job.arguments.what)}, [&](const Value& answer) {
    job.screen.out << '<' << cell(answer, "address") << "> is no trap any longer\n";
    if (answer.find("still_by") != nullptr) job.screen.out << "but it still is one by " << cell(answer, "still_by") << '\n';
  });
}

}  // namespace

Outcome<void> add(const Job& job) {
  const auto& table = job.arguments.table;
  if (table == "trap") return add_trap(job);
  const bool traps = table == "trapped";
  Question question{"PUT", "/v1/tables/" + table, Value::map()};
  question.body.set("prefix", job.arguments.what);
  if (traps || !job.arguments.lasting.empty())
    question.body.set("for", job.arguments.lasting.empty() ? std::string("1d") : job.arguments.lasting);
  if (!job.arguments.note.empty()) question.body.set("note", job.arguments.note);
  return print_answer(job, question, [&](const Value& row) {
    const std::string expires = cell(row, "expires");
    job.screen.out << cell(row, "prefix") << " is " << table << ' ' << (expires == "never" ? "for ever" : "until " + expires)
                   << '\n';
    if (const Value* trapped = row.find("trapped"))
      job.screen.out << "but it is trapped until " << cell(*trapped, "expires") << ", which counts first; `deferctl delete "
                     << cell(*trapped, "prefix") << "` ends that (and the white row of that prefix)\n";
  });
}

Outcome<void> forget(const Job& job) {
  if (job.arguments.what.find('@') != std::string::npos) return delete_trap(job);
  Question question{"POST", "/v1/delete", Value::map()};
  question.body.set("client", job.arguments.what);
  return print_answer(job, question, [&](const Value& answer) {
    std::string from;
    for (const char* table : {"white", "trapped"})
      if (const Value* there = answer.find(table); there != nullptr && there->boolean())
        from += (from.empty() ? "" : " and ") + std::string(table);
    if (from.empty()) from = "no table";
    job.screen.out << cell(answer, "client") << " was deleted from " << from << "; plugins forgot " << cell(answer, "deleted")
                   << " of their records\n";
    if (answer.find("still_white_by") != nullptr)
      job.screen.out << "but it is still white by " << cell(answer, "still_white_by") << '\n';
  });
}

Outcome<void> release(const Job& job) {
  Question question{"POST", "/v1/release", Value::map()};
  question.body.set("id", job.arguments.what);
  return print_answer(job, question, [&](const Value& answer) {
    job.screen.out << "the mail from <" << cell(answer, "from") << "> to <" << cell(answer, "to") << "> passes when "
                   << cell(answer, "client") << " tries again\n";
  });
}

Outcome<void> expect(const Job& job) {
  Question question{"POST", "/v1/expect", Value::map()};
  question.body.set("to", job.arguments.what);
  if (!job.arguments.from.empty()) question.body.set("from_domain", job.arguments.from);
  question.body.set("for", job.arguments.lasting);
  return print_answer(job, question, [&](const Value& answer) {
    job.screen.out << "mail to <" << cell(answer, "to") << ">";
    if (answer.find("from_domain") != nullptr) job.screen.out << " from " << cell(answer, "from_domain");
    job.screen.out << " is not delayed until " << cell(answer, "until") << '\n';
  });
}

Outcome<void> reload(const Job& job) {
  return print_answer(job, {"POST", "/v1/reload", {}, true}, [&](const Value& answer) {
    const Value* message = answer.find("message");
    if (message != nullptr && message->is_text()) job.screen.out << escaped_lines(message->text()) << '\n';
  });
}

Outcome<void> backup(const Job& job) {
  Question question{"POST", "/v1/backup", Value::map(), true};
  question.body.set("directory", std::filesystem::absolute(job.arguments.what).lexically_normal().string());
  return print_answer(job, question, [&](const Value& answer) {
    job.screen.out << "the store was copied into " << cell(answer, "directory") << '\n';
  });
}

}  // namespace deferd::ctl
