#!/bin/sh
# Make the certificates of the fault tests anew: a private CA, what it signed, and what nobody should trust.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
touch index.txt
cat > ca.cnf <<END
[ca]
default_ca = fixture
[fixture]
database = index.txt
new_certs_dir = .
default_md = sha256
policy = any
rand_serial = yes
unique_subject = no
[any]
commonName = supplied
[authority]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
END
request() {
    openssl ecparam -name prime256v1 -genkey -noout > "$1.key"
    openssl req -new -key "$1.key" -subj "/CN=$1" -out "$1.csr"
}
authority() {
    request "$1"
    openssl ca -batch -notext -config ca.cnf -selfsign -extensions authority -in "$1.csr" -keyfile "$1.key" \
        -startdate 20200101000000Z -enddate 21200101000000Z -out "$here/$1.pem"
}
signed() { # name, authority, subjectAltName, end
    request "$1"
    printf 'subjectAltName=%s\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n' "$3" > "$1.ext"
    openssl ca -batch -notext -config ca.cnf -in "$1.csr" -cert "$here/$2.pem" -keyfile "$2.key" \
        -startdate 20200101000000Z -enddate "$4" -extfile "$1.ext" -out "$1.crt"
    cat "$1.crt" "$1.key" > "$here/$1.pem"
}
authority authority
authority stranger
signed good authority "DNS:localhost,IP:127.0.0.1" 21200101000000Z
signed elsewhere authority "DNS:elsewhere.example" 21200101000000Z
signed untrusted stranger "DNS:localhost,IP:127.0.0.1" 21200101000000Z
signed client authority "DNS:client.example" 21200101000000Z
signed expired authority "DNS:localhost,IP:127.0.0.1" 20210101000000Z
{ cat client.crt; openssl pkey -in client.key -aes256 -passout pass:unknown; } > "$here/encrypted.pem"
