/*
 * formats - the first lines of what Larder writes and others keep or send on.
 *
 * Their numbers say how to read the rest (docs/formats.md). What carries another number
 * is never half understood: it is refused by name, or is a miss.
 */
#ifndef LARDER_FORMATS_H
#define LARDER_FORMATS_H

#define FORMAT_ATTESTATION "larder-attestation 1"
#define FORMAT_BUNDLE "larder-bundle 2"
#define FORMAT_DISCOVERED "larder-discovered 2"
#define FORMAT_INDEX "larder-index 1"
#define FORMAT_KEY "larder-key 1"
#define FORMAT_LINK "larder-link 1"
#define FORMAT_LOCK "larder-lock 1"
#define FORMAT_RECIPE "larder: 1"
#define FORMAT_RECORD "larder-record 1"
#define FORMAT_REMOTE "larder-cache 1"
#define FORMAT_ROOT "larder-root 1"
#define FORMAT_SIGNED "larder-signed 1"
#define FORMAT_STORE "larder-store 2"
#define FORMAT_TREE "larder-tree 1"
#define FORMAT_PIN "larder-pin 1"
#define FORMAT_TRUST "larder-trust 1"
#define FORMAT_USE "larder-use 1"

#endif
