#include "spamd_conf.h"

#include <algorithm>

#include "getcap.h"

namespace deferd::blacklist {
namespace {

constexpr std::string_view kBetweenWords = " \t";

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (;;) {
    const auto start = text.find_first_not_of(kBetweenWords);
    if (start == text.npos) return words;
    text.remove_prefix(start);
    const auto end = std::min(text.find_first_of(kBetweenWords), text.size());
    words.emplace_back(text.substr(0, end));
    text.remove_prefix(end);
  }
}

Result<SourceSpec> source_of(const CapRecord& record) {
  const auto file = record.text("file");
  if (!file || file->empty()) return fail(Errc::invalid, "has no file=");
  const auto method = record.text("method").value_or("file");
  SourceSpec source;
  source.place = *file;
  if (method == "http" || method == "https" || method == "ftp") {
    source.kind = SourceSpec::Kind::url;
    source.place = method + "://" + *file;
  } else if (method == "exec") {
    source.kind = SourceSpec::Kind::command;
    source.words = words_of(*file);
    source.place.clear();
    if (source.words.empty()) return fail(Errc::invalid, "has no command in file=");
  } else if (method != "file") {
    return fail(Errc::invalid, "has the unknown method '" + method + "'");
  }
  return source;
}

/// `"text"`, or the path of a file that holds it.
Result<std::string> message_of(const CapRecord& record, const ReadFile& read_file) {
  const auto given = record.text("msg");
  if (!given) return fail(Errc::invalid, "has no msg=");
  if (!given->starts_with('"')) {
    auto text = read_file(*given);
    if (!text) return fail(Errc::io, "has msg=" + *given + ": " + text.error().what);
    return in_spamd_notation(*text);
  }
  auto text = given->substr(1);
  if (text.ends_with('"')) text.pop_back();
  return in_spamd_notation(text);
}

class Reader {
 public:
  Reader(const CapFile& file, const ReadFile& read_file, std::vector<std::string>& errors)
      : file_(file), read_file_(read_file), errors_(errors) {}

  void read(const std::string& name) {
    const auto record = file_.find(name);
    if (!record) return errors_.push_back(record.error().what);
    const bool black = record->flag("black");
    if (!black && !record->flag("white")) return wrong(name, *record, "is neither black nor white");
    SpamdList list{name, {}, {}, {}};
    auto source = source_of(*record);
    if (!source) return wrong(name, *record, source.error().what);
    list.source = std::move(*source);
    if (!black) {  // a white list before the first black one is of no effect, as in spamd-setup(8)
      if (!lists.empty()) lists.back().excepted.push_back(std::move(list));
      return;
    }
    auto message = message_of(*record, read_file_);
    if (!message) return wrong(name, *record, message.error().what);
    list.message = std::move(*message);
    std::erase_if(lists, [&](const SpamdList& former) { return former.name == name; });
    lists.push_back(std::move(list));
  }

  std::vector<SpamdList> lists;

 private:
  void wrong(const std::string& name, const CapRecord& record, const std::string& what) {
    errors_.push_back("line " + std::to_string(record.line()) + ": '" + name + "' " + what);
  }

  const CapFile& file_;
  const ReadFile& read_file_;
  std::vector<std::string>& errors_;
};

}  // namespace

std::string in_spamd_notation(std::string_view message) {
  std::string out;
  for (const char c : message) {
    if (c == '\n')
      out += "\\n";
    else if (c == '"')
      out += "\\\"";
    else
      out += c;
  }
  return out;
}

std::vector<SpamdList> read_spamd_conf(std::string_view text, const ReadFile& read_file, std::vector<std::string>& errors) {
  const CapFile file(text);
  const auto all = file.find("all");
  if (!all) {
    errors.push_back("there is no record 'all' with the order of the lists");
    return {};
  }
  Reader reader(file, read_file, errors);
  for (const auto& field : all->fields())
    for (const auto& name : words_of(field)) reader.read(name);
  return std::move(reader.lists);
}

}  // namespace deferd::blacklist
