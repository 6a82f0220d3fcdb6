/* One emoji (emoji.h). The tables are facts of emoji-data.txt of Unicode 17.0. */
#include "lib/emoji.h"

#include <stdint.h>

enum {
	JOINER = 0x200d,
	KEYCAP = 0x20e3,
	PICTURE = 0xfe0f, /* variation selector 16 */
	BLACK_FLAG = 0x1f3f4,
	TAG_END = 0xe007f,
	TAGS_MIN = 3, /* of a region: "gbsct" */
	TAGS_MAX = 6,
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* clang-format off */

/* Signs that are shown as text unless PICTURE follows: Emoji without Emoji_Presentation, and without the digits, # and *. */
static const struct text_range text_styled[] = {
	{ 0x00a9, 0x00a9 }, { 0x00ae, 0x00ae }, { 0x203c, 0x203c }, { 0x2049, 0x2049 },
	{ 0x2122, 0x2122 }, { 0x2139, 0x2139 }, { 0x2194, 0x2199 }, { 0x21a9, 0x21aa },
	{ 0x2328, 0x2328 }, { 0x23cf, 0x23cf }, { 0x23ed, 0x23ef }, { 0x23f1, 0x23f2 },
	{ 0x23f8, 0x23fa }, { 0x24c2, 0x24c2 }, { 0x25aa, 0x25ab }, { 0x25b6, 0x25b6 },
	{ 0x25c0, 0x25c0 }, { 0x25fb, 0x25fc }, { 0x2600, 0x2604 }, { 0x260e, 0x260e },
	{ 0x2611, 0x2611 }, { 0x2618, 0x2618 }, { 0x261d, 0x261d }, { 0x2620, 0x2620 },
	{ 0x2622, 0x2623 }, { 0x2626, 0x2626 }, { 0x262a, 0x262a }, { 0x262e, 0x262f },
	{ 0x2638, 0x263a }, { 0x2640, 0x2640 }, { 0x2642, 0x2642 }, { 0x265f, 0x2660 },
	{ 0x2663, 0x2663 }, { 0x2665, 0x2666 }, { 0x2668, 0x2668 }, { 0x267b, 0x267b },
	{ 0x267e, 0x267e }, { 0x2692, 0x2692 }, { 0x2694, 0x2697 }, { 0x2699, 0x2699 },
	{ 0x269b, 0x269c }, { 0x26a0, 0x26a0 }, { 0x26a7, 0x26a7 }, { 0x26b0, 0x26b1 },
	{ 0x26c8, 0x26c8 }, { 0x26cf, 0x26cf }, { 0x26d1, 0x26d1 }, { 0x26d3, 0x26d3 },
	{ 0x26e9, 0x26e9 }, { 0x26f0, 0x26f1 }, { 0x26f4, 0x26f4 }, { 0x26f7, 0x26f9 },
	{ 0x2702, 0x2702 }, { 0x2708, 0x2709 }, { 0x270c, 0x270d }, { 0x270f, 0x270f },
	{ 0x2712, 0x2712 }, { 0x2714, 0x2714 }, { 0x2716, 0x2716 }, { 0x271d, 0x271d },
	{ 0x2721, 0x2721 }, { 0x2733, 0x2734 }, { 0x2744, 0x2744 }, { 0x2747, 0x2747 },
	{ 0x2763, 0x2764 }, { 0x27a1, 0x27a1 }, { 0x2934, 0x2935 }, { 0x2b05, 0x2b07 },
	{ 0x3030, 0x3030 }, { 0x303d, 0x303d }, { 0x3297, 0x3297 }, { 0x3299, 0x3299 },
	{ 0x1f170, 0x1f171 }, { 0x1f17e, 0x1f17f }, { 0x1f202, 0x1f202 }, { 0x1f237, 0x1f237 },
	{ 0x1f321, 0x1f321 }, { 0x1f324, 0x1f32c }, { 0x1f336, 0x1f336 }, { 0x1f37d, 0x1f37d },
	{ 0x1f396, 0x1f397 }, { 0x1f399, 0x1f39b }, { 0x1f39e, 0x1f39f }, { 0x1f3cb, 0x1f3ce },
	{ 0x1f3d4, 0x1f3df }, { 0x1f3f3, 0x1f3f3 }, { 0x1f3f5, 0x1f3f5 }, { 0x1f3f7, 0x1f3f7 },
	{ 0x1f43f, 0x1f43f }, { 0x1f441, 0x1f441 }, { 0x1f4fd, 0x1f4fd }, { 0x1f549, 0x1f54a },
	{ 0x1f56f, 0x1f570 }, { 0x1f573, 0x1f579 }, { 0x1f587, 0x1f587 }, { 0x1f58a, 0x1f58d },
	{ 0x1f590, 0x1f590 }, { 0x1f5a5, 0x1f5a5 }, { 0x1f5a8, 0x1f5a8 }, { 0x1f5b1, 0x1f5b2 },
	{ 0x1f5bc, 0x1f5bc }, { 0x1f5c2, 0x1f5c4 }, { 0x1f5d1, 0x1f5d3 }, { 0x1f5dc, 0x1f5de },
	{ 0x1f5e1, 0x1f5e1 }, { 0x1f5e3, 0x1f5e3 }, { 0x1f5e8, 0x1f5e8 }, { 0x1f5ef, 0x1f5ef },
	{ 0x1f5f3, 0x1f5f3 }, { 0x1f5fa, 0x1f5fa }, { 0x1f6cb, 0x1f6cb }, { 0x1f6cd, 0x1f6cf },
	{ 0x1f6e0, 0x1f6e5 }, { 0x1f6e9, 0x1f6e9 }, { 0x1f6f0, 0x1f6f0 }, { 0x1f6f3, 0x1f6f3 },
};

/* Signs that are pictures by themselves: Emoji_Presentation, without letters of flags and skin tones; and what is set aside
 * for emoji in U+1F6D0..1F6FF and U+1FA70..1FAFF, so that those of the next years are emoji already. */
static const struct text_range picture_styled[] = {
	{ 0x231a, 0x231b }, { 0x23e9, 0x23ec }, { 0x23f0, 0x23f0 }, { 0x23f3, 0x23f3 },
	{ 0x25fd, 0x25fe }, { 0x2614, 0x2615 }, { 0x2648, 0x2653 }, { 0x267f, 0x267f },
	{ 0x2693, 0x2693 }, { 0x26a1, 0x26a1 }, { 0x26aa, 0x26ab }, { 0x26bd, 0x26be },
	{ 0x26c4, 0x26c5 }, { 0x26ce, 0x26ce }, { 0x26d4, 0x26d4 }, { 0x26ea, 0x26ea },
	{ 0x26f2, 0x26f3 }, { 0x26f5, 0x26f5 }, { 0x26fa, 0x26fa }, { 0x26fd, 0x26fd },
	{ 0x2705, 0x2705 }, { 0x270a, 0x270b }, { 0x2728, 0x2728 }, { 0x274c, 0x274c },
	{ 0x274e, 0x274e }, { 0x2753, 0x2755 }, { 0x2757, 0x2757 }, { 0x2795, 0x2797 },
	{ 0x27b0, 0x27b0 }, { 0x27bf, 0x27bf }, { 0x2b1b, 0x2b1c }, { 0x2b50, 0x2b50 },
	{ 0x2b55, 0x2b55 }, { 0x1f004, 0x1f004 }, { 0x1f0cf, 0x1f0cf }, { 0x1f18e, 0x1f18e },
	{ 0x1f191, 0x1f19a }, { 0x1f201, 0x1f201 }, { 0x1f21a, 0x1f21a }, { 0x1f22f, 0x1f22f },
	{ 0x1f232, 0x1f236 }, { 0x1f238, 0x1f23a }, { 0x1f250, 0x1f251 }, { 0x1f300, 0x1f320 },
	{ 0x1f32d, 0x1f335 }, { 0x1f337, 0x1f37c }, { 0x1f37e, 0x1f393 }, { 0x1f3a0, 0x1f3ca },
	{ 0x1f3cf, 0x1f3d3 }, { 0x1f3e0, 0x1f3f0 }, { 0x1f3f4, 0x1f3f4 }, { 0x1f3f8, 0x1f3fa },
	{ 0x1f400, 0x1f43e }, { 0x1f440, 0x1f440 }, { 0x1f442, 0x1f4fc }, { 0x1f4ff, 0x1f53d },
	{ 0x1f54b, 0x1f54e }, { 0x1f550, 0x1f567 }, { 0x1f57a, 0x1f57a }, { 0x1f595, 0x1f596 },
	{ 0x1f5a4, 0x1f5a4 }, { 0x1f5fb, 0x1f64f }, { 0x1f680, 0x1f6c5 }, { 0x1f6cc, 0x1f6cc },
	{ 0x1f6d0, 0x1f6d2 }, { 0x1f6d5, 0x1f6df }, { 0x1f6eb, 0x1f6ef }, { 0x1f6f4, 0x1f6ff },
	{ 0x1f7e0, 0x1f7eb }, { 0x1f7f0, 0x1f7f0 }, { 0x1f90c, 0x1f93a }, { 0x1f93c, 0x1f945 },
	{ 0x1f947, 0x1f9ff }, { 0x1fa70, 0x1faff },
};

/* Signs that a skin tone may follow: Emoji_Modifier_Base. */
static const struct text_range toned[] = {
	{ 0x261d, 0x261d }, { 0x26f9, 0x26f9 }, { 0x270a, 0x270d }, { 0x1f385, 0x1f385 },
	{ 0x1f3c2, 0x1f3c4 }, { 0x1f3c7, 0x1f3c7 }, { 0x1f3ca, 0x1f3cc }, { 0x1f442, 0x1f443 },
	{ 0x1f446, 0x1f450 }, { 0x1f466, 0x1f478 }, { 0x1f47c, 0x1f47c }, { 0x1f481, 0x1f483 },
	{ 0x1f485, 0x1f487 }, { 0x1f48f, 0x1f48f }, { 0x1f491, 0x1f491 }, { 0x1f4aa, 0x1f4aa },
	{ 0x1f574, 0x1f575 }, { 0x1f57a, 0x1f57a }, { 0x1f590, 0x1f590 }, { 0x1f595, 0x1f596 },
	{ 0x1f645, 0x1f647 }, { 0x1f64b, 0x1f64f }, { 0x1f6a3, 0x1f6a3 }, { 0x1f6b4, 0x1f6b6 },
	{ 0x1f6c0, 0x1f6c0 }, { 0x1f6cc, 0x1f6cc }, { 0x1f90c, 0x1f90c }, { 0x1f90f, 0x1f90f },
	{ 0x1f918, 0x1f91f }, { 0x1f926, 0x1f926 }, { 0x1f930, 0x1f939 }, { 0x1f93c, 0x1f93e },
	{ 0x1f977, 0x1f977 }, { 0x1f9b5, 0x1f9b6 }, { 0x1f9b8, 0x1f9b9 }, { 0x1f9bb, 0x1f9bb },
	{ 0x1f9cd, 0x1f9cf }, { 0x1f9d1, 0x1f9dd }, { 0x1fac3, 0x1fac5 }, { 0x1faf0, 0x1faf8 },
};

/* clang-format on */

/* The code points of a text without PICTURE, up to a 0; and what has been written. */
struct emoji {
	uint32_t points[EMOJI_MAX_BYTES + 1];
	const uint32_t *at;
	char *out;
	size_t len;
	bool full;
};

static bool within(uint32_t point, uint32_t first, uint32_t last)
{
	return point >= first && point <= last;
}

/* PICTURE is read over: it is put where it belongs. None can be in front, or behind another or a JOINER. */
static bool points_read(struct str text, struct emoji *emoji)
{
	uint32_t point, before = PICTURE;
	size_t count = 0;
	while (text.len > 0) {
		size_t len = text_code_point(text, &point);
		if (len == 0 || point == 0 ||
			(point == PICTURE && (before == PICTURE || before == JOINER)))
			return false;
		if (point != PICTURE)
			emoji->points[count++] = point;
		before = point;
		text.ptr += len;
		text.len -= len;
	}
	emoji->points[count] = 0;
	emoji->at = emoji->points;
	return true;
}

static void point_write(struct emoji *emoji, uint32_t point)
{
	char bytes[4];
	size_t len = 0;
	if (point < 0x80) {
		bytes[len++] = (char)point;
	} else if (point < 0x800) {
		bytes[len++] = (char)(0xc0 | point >> 6);
	} else if (point < 0x10000) {
		bytes[len++] = (char)(0xe0 | point >> 12);
		bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
	} else {
		bytes[len++] = (char)(0xf0 | point >> 18);
		bytes[len++] = (char)(0x80 | (point >> 12 & 0x3f));
		bytes[len++] = (char)(0x80 | (point >> 6 & 0x3f));
	}
	if (point >= 0x80)
		bytes[len++] = (char)(0x80 | (point & 0x3f));
	if (emoji->len + len > EMOJI_MAX_BYTES) {
		emoji->full = true;
		return;
	}
	memcpy(emoji->out + emoji->len, bytes, len);
	emoji->len += len;
}

/* So many of what is next are taken as they are. */
static bool take(struct emoji *emoji, size_t count)
{
	for (size_t i = 0; i < count; i++)
		point_write(emoji, *emoji->at++);
	return true;
}

static bool keycap_take(struct emoji *emoji)
{
	uint32_t key = emoji->at[0];
	if (!(within(key, '0', '9') || key == '#' || key == '*') || emoji->at[1] != KEYCAP)
		return false;
	point_write(emoji, key);
	point_write(emoji, PICTURE);
	point_write(emoji, KEYCAP);
	emoji->at += 2;
	return true;
}

static bool is_flag_letter(uint32_t point)
{
	return within(point, 0x1f1e6, 0x1f1ff);
}

static bool flag_take(struct emoji *emoji)
{
	return is_flag_letter(emoji->at[0]) && is_flag_letter(emoji->at[1]) && take(emoji, 2);
}

/* Tags can spell anything unseen: a region is all that they may say. */
static bool region_take(struct emoji *emoji)
{
	size_t tags = 0;
	if (emoji->at[0] != BLACK_FLAG)
		return false;
	while (within(emoji->at[1 + tags], 0xe0030, 0xe0039) ||
		within(emoji->at[1 + tags], 0xe0061, 0xe007a))
		tags++;
	return within((uint32_t)tags, TAGS_MIN, TAGS_MAX) && emoji->at[1 + tags] == TAG_END &&
	       take(emoji, tags + 2);
}

/* A sign with or without a skin tone. */
static bool sign_take(struct emoji *emoji)
{
	uint32_t sign = emoji->at[0];
	bool is_text = text_in_ranges(text_styled, COUNT(text_styled), sign);
	if (!is_text && !text_in_ranges(picture_styled, COUNT(picture_styled), sign))
		return false;
	if (text_in_ranges(toned, COUNT(toned), sign) && within(emoji->at[1], 0x1f3fb, 0x1f3ff))
		return take(emoji, 2);
	take(emoji, 1);
	if (is_text)
		point_write(emoji, PICTURE);
	return true;
}

static bool joined_take(struct emoji *emoji)
{
	if (!sign_take(emoji))
		return false;
	while (emoji->at[0] == JOINER) {
		take(emoji, 1);
		if (!sign_take(emoji))
			return false;
	}
	return true;
}

enum err emoji_read(struct str text, char out[EMOJI_MAX_BYTES + 1])
{
	char written[EMOJI_MAX_BYTES];
	struct emoji emoji = { .out = written };
	if (text.len > EMOJI_MAX_BYTES || !points_read(text, &emoji))
		return ERR_INVALID_INPUT;
	if (!keycap_take(&emoji) && !flag_take(&emoji) && !region_take(&emoji) &&
		!joined_take(&emoji))
		return ERR_INVALID_INPUT;
	/* what is left over is another, or none */
	if (emoji.at[0] != 0 || emoji.full)
		return ERR_INVALID_INPUT;
	memcpy(out, written, emoji.len);
	out[emoji.len] = '\0';
	return OK;
}
