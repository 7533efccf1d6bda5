/* Text of others: is it UTF-8, and is it fit to be an id? */
#ifndef TALLYBOOK_CONSUMERS_CODEC_TEXT_H
#define TALLYBOOK_CONSUMERS_CODEC_TEXT_H

#include <stdbool.h>

#include "engine/base/bytes.h"

/* Valid UTF-8 (shortest forms, no surrogates, up to U+10FFFF) without NUL. */
bool text_is_utf8(struct bytes text);

/* The same without any control character (U+0000–1F, U+7F–9F): what an id may be (architecture.md,
 * "The journal"). */
bool text_is_name(struct bytes text);

#endif
