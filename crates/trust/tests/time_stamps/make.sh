#!/usr/bin/env bash
# Makes the tokens in data/ with OpenSSL 3: two authorities (RSA-3072 with SHA-512 under a root; P-384
# with SHA-384 under a CA under a root), each with a sound token over data/text, and tokens that
# `openssl cms` signs over the same TSTInfo and that must be refused. Run it in this folder; the keys are
# thrown away.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
out=$PWD/data
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$out"
printf 'tram/network/n1.H41/epoch\n42\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n' >"$out/text"
cp "$out/text" "$work/text"
cd "$work"
cat >x.cnf <<'C'
[ca]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
[tsa]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping
[soft]
keyUsage = critical,digitalSignature
extendedKeyUsage = timeStamping
[wide]
keyUsage = critical,digitalSignature
extendedKeyUsage = critical,timeStamping,serverAuth
[ts]
default_tsa = conf
[conf]
serial = serial
crypto_device = builtin
digests = sha256
default_policy = 1.2.3.4.1
accuracy = secs:1, millisecs:500
ordering = yes
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
C
key() { openssl genpkey -quiet -algorithm "$1" -pkeyopt "$2" -out "$3.key"; }
issue() { # name, extensions, issuer
  openssl req -new -key "$1.key" -subj "/O=Tram tests/CN=$1" -out "$1.csr"
  openssl x509 -req -in "$1.csr" -CA "$3.crt" -CAkey "$3.key" -CAcreateserial -days 3650 \
    -extfile x.cnf -extensions "$2" -out "$1.crt" 2>/dev/null
}
root() {
  openssl req -x509 -new -key "$1.key" -subj "/O=Tram tests/CN=$1" -days 3650 \
    -config <(printf '[req]\ndistinguished_name=d\n[d]\n'; cat x.cnf) -extensions ca -out "$1.crt"
}
key RSA rsa_keygen_bits:3072 rsa-root
root rsa-root
key RSA rsa_keygen_bits:3072 rsa
issue rsa tsa rsa-root
key EC ec_paramgen_curve:P-384 ec-root
root ec-root
key EC ec_paramgen_curve:P-384 ec-ca
issue ec-ca ca ec-root
key EC ec_paramgen_curve:P-384 ec
issue ec tsa ec-ca
cat ec-ca.crt ec-root.crt >ec-chain.pem
cp rsa-root.crt rsa-chain.pem
openssl ts -query -data text -sha256 -cert -out query.tsq
stamp() { # name, digest
  echo 01 >serial
  openssl ts -reply -queryfile query.tsq -config x.cnf -section conf -signer "$1.crt" -inkey "$1.key" \
    -chain "$1-chain.pem" -"$2" -out "$1.tsr"
  openssl ts -reply -in "$1.tsr" -token_out -out "$out/$1.tst"
  openssl x509 -in "$1-root.crt" -outform DER -out "$out/$1-root.der"
}
stamp rsa sha512
stamp ec sha384
openssl cms -verify -noverify -binary -inform DER -in "$out/ec.tst" -out info.der 2>/dev/null
sign() { # name, signer, options
  local name=$1 signer=$2
  shift 2
  openssl cms -sign -binary -nodetach -econtent_type 1.2.840.113549.1.9.16.1.4 -nosmimecap \
    -in info.der -signer "$signer.crt" -inkey "$signer.key" -certfile ec-ca.crt -outform DER \
    -out "$out/$name.tst" "$@"
}
key EC ec_paramgen_curve:P-256 soft
issue soft soft ec-ca
key EC ec_paramgen_curve:P-256 wide
issue wide wide ec-ca
sign cms-sound ec -md sha256 -cades
sign bad-eku-not-critical soft -md sha256 -cades
sign bad-eku-two wide -md sha256 -cades
sign bad-no-certificate-id ec -md sha256
sign bad-sha1 ec -md sha1 -cades
sign bad-key-id ec -md sha256 -cades -keyid
cp rsa.tsr "$out/answer.tsr"
ls -l "$out"
