#include "config/reference.h"

#include <functional>

namespace deferd {
namespace {

using Visit = std::function<void(const FieldDoc&, const std::string& path)>;

void walk(std::span<const FieldDoc> fields, std::string_view path, const Visit& visit) {
  for (const FieldDoc& field : fields) {
    std::string name = detail::join_path(path, field.name);
    visit(field, name);

    std::string_view type = field.type;
    for (bool peeled = true; peeled;) {
      constexpr std::string_view list = "list of ", map = "map of ";
      peeled = type.starts_with(list) || type.starts_with(map);
      if (peeled) name += type.starts_with(list) ? "[]" : ".NAME";
      if (peeled) type.remove_prefix(type.starts_with(list) ? list.size() : map.size());
    }
    walk(field.fields, name, visit);
  }
}

/// A line of text that mdoc(7) takes as text.
std::string mdoc_line(std::string_view text) {
  std::string out;
  if (!text.empty() && (text.front() == '.' || text.front() == '\'')) out += "\\&";
  for (const char c : text) {
    if (c == '\\')
      out += "\\e";
    else
      out += c == '\n' ? ' ' : c;
  }
  return out += '\n';
}

std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

std::string code_cell(std::string_view text) { return text.empty() ? "" : '`' + cell(text) + '`'; }

}  // namespace

std::string mdoc_reference(std::span<const FieldDoc> fields, std::string_view path) {
  std::string out = ".Bl -tag -width Ds\n";
  walk(fields, path, [&](const FieldDoc& field, const std::string& name) {
    out += ".It Ic \\&" + name + '\n';
    out += mdoc_line(field.help);
    std::string facts = "Type: " + field.type + '.';
    if (field.required) facts += " Required.";
    if (!field.default_text.empty()) facts += " Default: " + field.default_text + '.';
    if (!field.range.empty()) facts += " Range: " + field.range + '.';
    out += mdoc_line(facts);
  });
  return out + ".El\n";
}

std::string markdown_reference(std::span<const FieldDoc> fields, std::string_view path) {
  std::string out = "| Setting | Type | Default | Range | Meaning |\n|---|---|---|---|---|\n";
  walk(fields, path, [&](const FieldDoc& field, const std::string& name) {
    out += "| " + code_cell(name) + " | " + cell(field.type) + " | ";
    out += (field.required ? "required" : code_cell(field.default_text)) + " | ";
    out += cell(field.range) + " | " + cell(field.help) + " |\n";
  });
  return out;
}

}  // namespace deferd
