#!/bin/sh
# Everything that apherelog needs, in one folder, for a machine without internet.
#
#   On a machine with internet, the same Python version and the same kind of processor, in the project's folder:
#     sh docs/operation/files/wheelhouse.sh build FOLDER
#   On the hospital's machine, in the folder that was carried there:
#     sh wheelhouse.sh verify .
#     sh wheelhouse.sh install . /opt/apherelog
set -eu
PYTHON=${PYTHON:-python3}

build() {
    mkdir -p "$1"
    "$PYTHON" -m pip download --quiet --disable-pip-version-check --only-binary :all: --require-hashes \
        -r requirements.lock -d "$1"
    "$PYTHON" -m pip wheel --quiet --disable-pip-version-check --no-deps -w "$1" .
    cp requirements.lock "$1/install.lock"
    own=$(cd "$1" && ls apherelog-*.whl)
    version=$(echo "$own" | cut -d- -f2)
    sum=$(sha256sum "$1/$own" | cut -d' ' -f1)
    printf '\napherelog==%s \\\n    --hash=sha256:%s\n' "$version" "$sum" >> "$1/install.lock"
    cp "$0" "$1/wheelhouse.sh"
    cp -r docs/operation "$1/operation"
    (cd "$1" && find . -type f ! -name SHA256SUMS | sort | xargs sha256sum > SHA256SUMS)
    echo "$(wc -l < "$1/SHA256SUMS") files in $1; the sum of their list, to be carried by another way:"
    sha256sum "$1/SHA256SUMS"
}

verify() {
    cd "$1"
    sha256sum --quiet --strict -c SHA256SUMS
    unlisted=$(find . -type f ! -name SHA256SUMS | sort | while read -r file; do
        grep -qF "  $file" SHA256SUMS || echo "$file"; done)
    if [ -n "$unlisted" ]; then
        echo "not in the list: $unlisted" >&2
        exit 1
    fi
    echo "every file is what the list says"
}

install() {
    (verify "$1")
    "$PYTHON" -m venv "$2"
    "$2/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --find-links "$1" \
        --require-hashes -r "$1/install.lock"
    "$2/bin/apherelog" --version
}

case "${1:-}" in
    build | verify) "$1" "$2" ;;
    install) install "$2" "$3" ;;
    *) sed -n '2,9p' "$0"; exit 2 ;;
esac
