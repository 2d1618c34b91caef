#!/usr/bin/env bash
# Makes the certificates and keys in this folder, which are worth nothing and last for a hundred years.
set -euo pipefail
cd "$(dirname "$0")"

authority() { # NAME
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 36500 -subj "/CN=$1" \
    -keyout "$1.key" -out "$1.pem"
}

certificate() { # NAME, of AUTHORITY, for NAMES
  openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout "$1.key" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$2.pem" -CAkey "$2.key" -days 36500 -out "$1.pem" \
    -extfile <(echo "subjectAltName=$3")
  rm "$1.csr"
}

authority authority
authority stranger
certificate server authority DNS:localhost,IP:127.0.0.1
certificate elsewhere authority DNS:elsewhere.invalid
certificate client authority DNS:nearrank
rm authority.key stranger.key
