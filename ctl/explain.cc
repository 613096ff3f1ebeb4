// explain: a decision and how it came about.
#include "ctl/answers.h"
#include "ctl/table.h"
#include "deferd/address.h"

namespace deferd::ctl {
namespace {

/// `451 4.7.1 Please try again later`
std::string reply_text(const Value& decision) {
  const Value* reply = decision.find("reply");
  if (reply == nullptr) return {};
  std::string text = " " + cell(*reply, "code");
  for (const char* key : {"enhanced", "text"})
    if (const std::string part = cell(*reply, key); !part.empty()) text += " " + part;
  return text;
}

void print_line(const Screen& screen, std::string_view name, const std::string& text) {
  if (!text.empty()) screen.out << "  " << name << std::string(8 - name.size(), ' ') << text << '\n';
}

void print_decision(std::string_view title, const Value& decision, const Screen& screen) {
  screen.out << title << ": " << cell(decision, "action") << reply_text(decision) << '\n';
  print_line(screen, "client", cell(decision, "client"));
  for (const char* key : {"name", "auth", "helo"}) print_line(screen, key, cell(decision, key));
  print_line(screen, "from", "<" + cell(decision, "from") + ">");
  if (decision.find("rcpt") != nullptr) print_line(screen, "to", "<" + cell(decision, "rcpt") + ">");
  const std::string plugin = cell(decision, "plugin");
  print_line(screen, "by", plugin.empty() ? "nobody objected" : plugin);
  for (const char* key : {"reason", "due"}) print_line(screen, key, cell(decision, key));
  if (decision.find("waited") != nullptr) print_line(screen, "waited", cell(decision, "waited") + " s");

  const Value* trace = decision.find("trace");
  if (trace == nullptr || trace->size() == 0) return;
  screen.out << '\n';
  Table table({"plugin", "stage", "answer", "due", "reason"}, screen);
  for (const Value& answer : trace->items()) {
    std::string action = cell(answer, "action");
    if (const Value* shadow = answer.find("shadow"); shadow != nullptr && shadow->boolean()) action += " (shadow)";
    std::string reason = cell(answer, "reason");
    if (answer.find("fault") != nullptr) reason = "FAILED: " + cell(answer, "fault") + (reason.empty() ? "" : "; " + reason);
    if (answer.find("tags") != nullptr) reason += (reason.empty() ? "[" : " [") + cell(answer, "tags") + "]";
    table.add({cell(answer, "plugin"), cell(answer, "stage"), action, cell(answer, "due"), reason});
  }
}

}  // namespace

Outcome<void> explain(const Job& job) {
  const Arguments& arguments = job.arguments;
  Question question{"POST", "/v1/explain", Value::map()};
  if (!Address::parse(arguments.what)) {
    question.body.set("id", arguments.what);
  } else {
    question.body.set("client", arguments.what);
    if (!arguments.helo.empty()) question.body.set("helo", arguments.helo);
    if (!arguments.from.empty()) question.body.set("from", arguments.from);
    if (!arguments.to.empty()) question.body.set("to", arguments.to);
    if (!arguments.name.empty()) question.body.set("name", arguments.name);
  }
  return print_answer(job, question, [&](const Value& answer) {
    const Value* then = answer.find("then");
    const Value* now = answer.find("now");
    if (then != nullptr) print_decision("at " + cell(*then, "when"), *then, job.screen);
    if (then != nullptr && now != nullptr) job.screen.out << '\n';
    if (now != nullptr) print_decision("now", *now, job.screen);
  });
}

}  // namespace deferd::ctl
