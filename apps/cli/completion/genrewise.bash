# Completion of genrewise in bash.
_genrewise() {
  local -a words
  local line file typed=${COMP_LINE:0:COMP_POINT}
  read -ra words <<<"$typed"
  [[ $typed == *[[:space:]] ]] && words+=("")
  local last=${words[-1]}
  # Readline replaces only what stands behind the last : or =.
  local kept=${last%"${last##*[:=]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    if [[ $line == :files ]]; then
      compopt -o filenames
      while IFS= read -r file; do COMPREPLY+=("$file"); done < <(compgen -f -- "${last##*=}")
    else
      line=${line%%$'\t'*}
      [[ $line == *[=:] ]] && compopt -o nospace
      COMPREPLY+=("${line#"$kept"}")
    fi
  done < <("$1" --complete "${words[@]:1}" 2>/dev/null)
}
complete -F _genrewise genrewise
