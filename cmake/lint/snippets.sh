#!/usr/bin/env bash
# The code that the documentation shows is code that is compiled. In README.md and docs/**/*.md each ```cpp fence
# has a line above it that says where its text comes from:
#   <!-- examples/01_shapes.cpp:shapes -->     the lines between the two "// [shapes]" of that file
#   <!-- not compiled: a declaration only -->  for what cannot be compiled, with the reason
# snippets.sh checks, snippets.sh --update copies the sources into the fences. With a FOLDER behind, that tree.
set -euo pipefail
update=false
if [[ "${1:-}" == --update ]]; then
  update=true
  shift
fi
cd "${1:-$(dirname "${BASH_SOURCE[0]}")/../..}"

pages=()
if [[ -f README.md ]]; then pages+=(README.md); fi
if [[ -d docs ]]; then mapfile -t -O "${#pages[@]}" pages < <(find docs -name '*.md' | sort); fi
rendered=$(mktemp)
trap 'rm -f "$rendered"' EXIT

failed=0
for page in "${pages[@]}"; do
  # Prints the page as it should be, complaints to standard error.
  if ! awk '
    function complain(text) { print FILENAME ":" FNR ": " text > "/dev/stderr"; bad = 1 }

    # Prints the snippet without the indentation that its lines share.
    function print_snippet(file, name,    line, n, i, inside, found, indent, least, text, got) {
      if (file !~ /^(examples|tests|bench|include)\//) { complain(file " is not compiled by this project"); return }
      least = 999
      while ((got = (getline line < file)) > 0) {
        text = line
        sub(/^ */, "", text)
        if (text == "// [" name "]") { inside = !inside; found++; continue }
        if (!inside) continue
        indent = length(line) - length(text)
        if (text != "" && indent < least) least = indent
        lines[++n] = line
      }
      close(file)
      if (got < 0) { complain(file ": no such file"); return }
      if (found != 2) { complain(file ": \"// [" name "]\" stands there " found + 0 " times, expected 2"); return }
      for (i = 1; i <= n; i++) print substr(lines[i], least + 1)
    }

    !fence && /^ *```/ {
      match($0, /```+/)
      fence = substr($0, RSTART, RLENGTH)
      print
      if ($0 !~ /^ *```(cpp|c\+\+|cc|cxx|C\+\+)/) next
      if (marker ~ /^<!-- not compiled: .+ -->$/) next
      if (!match(marker, /^<!-- [^ :]+:[^ :]+ -->$/)) {
        complain("no line <!-- FILE:SNIPPET --> or <!-- not compiled: REASON --> above this code")
        next
      }
      split(substr(marker, 6, length(marker) - 9), source, ":")
      print_snippet(source[1], source[2])
      replaced = 1
      next
    }
    fence && $0 ~ "^ *" fence " *$" { fence = marker = ""; replaced = 0; print; next }
    fence { if (!replaced) print; next }
    { print }
    /[^ ]/ { marker = $0 }
    END { if (fence) complain("a " fence " is never closed"); exit bad }
  ' "$page" > "$rendered"; then
    failed=1
  elif ! cmp -s "$page" "$rendered"; then
    if $update; then
      cp "$rendered" "$page"
      echo "$page: updated"
    else
      echo "$page: the code differs from its source; run cmake/lint/snippets.sh --update" >&2
      diff -u --label "$page" --label "its sources" "$page" "$rendered" >&2 || true
      failed=1
    fi
  fi
done
if ((failed == 0)); then echo "${#pages[@]} pages checked"; fi
exit "$failed"
