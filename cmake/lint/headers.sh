#!/usr/bin/env bash
# The house rules that a reader of include/captcha relies on:
#   - includes point the way that arrows.txt says, and are written <captcha/folder/file.hpp>;
#   - kernels include std, the numeric libraries that arrows.txt gives them, and other kernels;
#   - a header begins with a comment that says what it is for, has #pragma once (or a comment that says why it
#     has "no #pragma once"), and at most 300 lines;
#   - half of the headers have at most 120 lines.
# headers.sh [FOLDER]: FOLDER holds captcha/, by default include/. Prints every breach, then fails.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "${1:-$here/../../include}"

mapfile -t headers < <(find captcha -name '*.hpp' | sort)
if ((${#headers[@]} == 0)); then
  echo "$PWD/captcha: no headers" >&2
  exit 1
fi

awk '
  function breach(text) { print file ":" line ": " text; breaches++ }
  function end_of_file() {
    if (!once) breach("no #pragma once")
    if (line > 300) breach(line " lines; at most 300, split it")
    small += line <= 120
    files++
  }
  function folder_of(path,    part) { return split(path, part, "/") > 2 ? part[2] : "front" }

  # The table: a folder or a library | what it may include or who may include it.
  FILENAME == table {
    sub(/#.*/, "")
    if (split($0, side, "|") < 2) next
    gsub(/ /, "", side[1])
    if (side[1] ~ /[.\/]/) libraries[side[1]] = 1; else folders[side[1]] = 1
    count = split(side[2], names, " ")
    for (i = 1; i <= count; i++) allowed[side[1], names[i]] = 1
    next
  }

  FNR == 1 {
    if (file) end_of_file()
    file = FILENAME
    line = 1
    once = 0
    folder = folder_of(file)
    if (!(folder in folders)) breach("folder " folder " is not in arrows.txt")
    if ($0 !~ /^\/\/ .*[a-z]/) breach("the first line must be a comment that says what the header is for")
  }
  { line = FNR }
  /^#pragma once$|^\/\/ .*[Nn]o #pragma once/ { once = 1 }

  /^[ \t]*#[ \t]*include/ {
    if (!match($0, /<[^>]+>/)) { breach("write #include <...>, with the path from include/"); next }
    name = substr($0, RSTART + 1, RLENGTH - 2)
    if (name ~ /^captcha\//) {
      target = folder_of(name)
      if (!((folder, target) in allowed)) breach(folder " must not include " target ": <" name ">")
      next
    }
    library = ""
    for (l in libraries) if (index(name, l) == 1) library = l
    if (library != "") {
      if (!((library, folder) in allowed) && !((library, substr(file, 9)) in allowed))
        breach("<" name "> may not be included here; arrows.txt says where")
    } else if (folder == "kernels" && name !~ /^[a-z_]+$/) {
      breach("kernels must not include <" name ">: only std and the numeric libraries")
    }
  }

  END {
    end_of_file()
    if (2 * small < files) { print "only " small " of " files " headers have at most 120 lines"; breaches++ }
    if (breaches) { print "broken rules: " breaches "; see cmake/lint/headers.sh and arrows.txt"; exit 1 }
    print files " headers, " small " of at most 120 lines"
  }
' table="$here/arrows.txt" "$here/arrows.txt" "${headers[@]}"
