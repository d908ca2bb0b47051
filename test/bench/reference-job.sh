#!/bin/sh
# What a job comes to without a runner: the same git and bubblewrap calls, one after the other.
#   reference-job.sh DATA_FOLDER ORIGIN JOB LAUNCHES
# LAUNCHES holds, for each sandbox NAME, NAME.options (for descriptor 3) and NAME.sh (the command line).
set -eu
data=$1 origin=$2 job=$3 launches=$4
mirror=$data/repos/app.git
branch=refs/heads/opus/$job
nothing=0000000000000000000000000000000000000000
export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_SYSTEM=/dev/null LC_ALL=C
export GIT_AUTHOR_NAME=Bench GIT_AUTHOR_EMAIL=bench@localhost GIT_COMMITTER_NAME=Bench GIT_COMMITTER_EMAIL=bench@localhost

mirror_git() { git --git-dir="$mirror" "$@"; }
origin_git() { git --git-dir="$origin" "$@"; }
fetch() { mirror_git fetch --quiet --prune --no-tags --no-write-fetch-head --no-auto-maintenance --force -- "$origin" '+refs/heads/*:refs/origin/*'; }
# The id of a branch of the origin, from a listing of them all.
branch_of_mirror() {
  mirror_git for-each-ref --format='%(objectname) %(refname:lstrip=2)' refs/origin/ > "$data/branches"
  while read -r id name; do if [ "$name" = "$1" ]; then echo "$id"; fi; done < "$data/branches"
}

check_out() { # USE COMMIT
  root=$data/worktrees/$job/$1
  rm -rf "$root"
  mkdir -p "$root/tree"
  (cd "$root/tree" && GIT_INDEX_FILE=$root/index git --git-dir="$mirror" --work-tree=. read-tree -u --reset "$2")
  echo "gitdir: $root/gitdir" > "$root/gitfile"
  cp "$root/gitfile" "$root/tree/.git"
}
make_git_directory() { # USE COMMIT
  root=$data/worktrees/$job/$1
  rm -rf "$root/gitdir"
  mkdir -p "$root/gitdir/objects/info" "$root/gitdir/objects/pack" "$root/gitdir/refs/heads" "$root/gitdir/info"
  echo "$base refs/remotes/origin/main" > "$root/gitdir/packed-refs"
  echo "$2" > "$root/gitdir/HEAD"
  echo "$mirror/objects" > "$root/gitdir/objects/info/alternates"
  printf '[core]\n\trepositoryformatversion = 0\n\tbare = false\n' > "$root/gitdir/config"
  cp -p "$root/index" "$root/gitdir/index"
}
attempt() { # STAGE
  folder=$data/attempts/$job/$job.$1.0.0.1
  mkdir -p "$folder/work/out" "$data/logs/$job"
  echo prompt > "$folder/prompt.md"
  echo plan > "$folder/plan.md"
}
sandbox() { # NAME
  . "$launches/$1.sh"
}
pull_request() { # NUMBER STATE
  origin_git for-each-ref --format='%(objectname) %(refname) %(raw)' refs/opus/pulls/ > "$data/pulls"
  blob=$(echo "{\"number\":$1,\"state\":\"$2\",\"head\":\"$branch\"}" | origin_git hash-object -w --stdin)
  origin_git update-ref "refs/opus/pulls/$job" "$blob" "${3:-$nothing}"
}

# dispatch
fetch
base=$(branch_of_mirror main)
# plan
check_out agent "$base"
make_git_directory agent "$base"
attempt plan
sandbox plan
# code
make_git_directory agent "$base"
attempt code
sandbox code
# What the last job merged is known.
[ -e "$data/merged" ] || echo none > "$data/merged"
read -r known base_tree < "$data/merged" || known=
if [ "$known" != "$base" ]; then base_tree=$(mirror_git rev-parse --verify "$base^{tree}"); fi
staging=$data/worktrees/$job/agent/staging
mkdir -p "$staging/git/objects/info" "$staging/git/objects/pack" "$staging/git/refs"
echo 'ref: refs/heads/none' > "$staging/git/HEAD"
printf '[core]\n\trepositoryformatversion = 0\n\tbare = false\n' > "$staging/git/config"
echo "$mirror/objects" > "$staging/git/objects/info/alternates"
cp -p "$data/worktrees/$job/agent/index" "$staging/git/index"
sed -i "s/@BASE_TREE@/$base_tree/" "$launches/staging.options"
sandbox staging
read -r tree < "$data/logs/$job/staging.log"
mirror_git index-pack --stdin --strict --fix-thin < "$staging/new.pack" > /dev/null
mirror_git cat-file -t "$tree" > /dev/null
mirror_git diff-tree -r -z --raw --no-renames --no-abbrev "$base_tree" "$tree" > "$data/changes"
changed=$(mirror_git rev-parse "$base_tree:notes.txt" "$tree:notes.txt")
echo "$changed" | mirror_git cat-file --batch-check > /dev/null
echo "$changed" | mirror_git cat-file --batch > /dev/null
mirror_git grep --quiet --fixed-strings -e filter=lfs "$base_tree" "$tree" -- ':(glob)**/.gitattributes' || true
head=$(echo "Add a line" | mirror_git commit-tree "$tree" -p "$base" -F -)
mirror_git update-ref "refs/opus/jobs/$job" "$head"
rm -rf "$staging"
mirror_git diff --numstat -z "$base...$head" -- > "$data/numstat"
# test
check_out test "$head"
make_git_directory test "$head"
sandbox test
# review
check_out agent "$head"
make_git_directory agent "$head"
mirror_git diff "$base...$head" -- > "$data/diff"
attempt review
sandbox review
# deliver
mirror_git ls-remote --quiet -- "$origin" "$branch" > "$data/remote"
mirror_git push --quiet --no-verify --force-with-lease="$branch:" -- "$origin" "$head:$branch"
pull_request 1 open
origin_git rev-parse --verify --quiet "$branch^{commit}" > /dev/null
# merge
origin_git for-each-ref --format='%(objectname) %(refname) %(raw)' refs/opus/pulls/ > "$data/pulls"
origin_git rev-parse --verify --quiet "$branch^{commit}" > /dev/null
fetch
onto=$(branch_of_mirror main)
mirror_git log --first-parent --min-parents=2 --max-parents=2 --max-count=2000 --format='%H%x09%(trailers:key=Opus-Job,valueonly)' "$onto" -- > "$data/merges"
merged_tree=$(mirror_git merge-tree --write-tree "$onto" "$head")
merged=$(echo "Merge" | mirror_git commit-tree "$merged_tree" -p "$onto" -p "$head" -F -)
echo "$merged $merged_tree" > "$data/merged"
check_out test "$merged"
make_git_directory test "$merged"
sandbox merge
mirror_git push --quiet --no-verify --force-with-lease="refs/heads/main:$onto" -- "$origin" "$merged:refs/heads/main"
pull_request 1 merged "$blob"
mirror_git push --quiet --no-verify --force-with-lease="$branch:$head" -- "$origin" ":$branch"
rm -rf "$data/worktrees/$job" "$data/attempts/$job"
