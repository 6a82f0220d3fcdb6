/*
 * Points in time to text and back, by arithmetic alone: no locale, no time zone file, no lock,
 * since every message carries up to three of them. Called by every layer.
 */
#include "lib/time.h"

#include <stdbool.h>
#include <time.h>

#define SECOND_US INT64_C(1000000)
#define DAY_S INT64_C(86400)
#define DAY_US (DAY_S * SECOND_US)

/* 0000-01-01T00:00:00Z and the last microsecond of the year 9999. */
#define EARLIEST_US (INT64_C(-62167219200) * SECOND_US)
#define LATEST_US (INT64_C(253402300800) * SECOND_US - 1)

enum {
	ERA_DAYS = 146097,  /* of 400 years */
	EPOCH_DAY = 719468, /* 1970-01-01, counted from 0000-03-01 */
};

static const char digit_pairs[] = "00010203040506070809"
				  "10111213141516171819"
				  "20212223242526272829"
				  "30313233343536373839"
				  "40414243444546474849"
				  "50515253545556575859"
				  "60616263646566676869"
				  "70717273747576777879"
				  "80818283848586878889"
				  "90919293949596979899";

struct date {
	int year;
	int month;
	int day;
};

/* What is left to read of a text. */
struct scan {
	const char *p;
	size_t left;
};

/*
 * A calendar whose year begins in March has its odd day at the very end, so that months and leap
 * years come out of integer divisions: 153 days are five months from March or August on.
 */
static struct date date_of_day(int64_t day)
{
	unsigned shifted = (unsigned)(day + EPOCH_DAY + ERA_DAYS); /* one era on: never negative */
	unsigned era = shifted / ERA_DAYS;
	unsigned day_of_era = shifted % ERA_DAYS;
	unsigned year_of_era =
		(day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
	unsigned day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	unsigned march_month = (5 * day_of_year + 2) / 153;
	unsigned month = march_month < 10 ? march_month + 3 : march_month - 9;
	int year = (int)(year_of_era + era * 400) - 400 + (month <= 2);
	return (struct date){ year, (int)month,
		(int)(day_of_year - (153 * march_month + 2) / 5 + 1) };
}

/* The inverse, for years 0001 to 9999. */
static int64_t day_of_date(struct date date)
{
	int year = date.year - (date.month <= 2);
	int march_month = date.month > 2 ? date.month - 3 : date.month + 9;
	int day_of_year = (153 * march_month + 2) / 5 + date.day - 1;
	return INT64_C(365) * year + year / 4 - year / 100 + year / 400 + day_of_year - EPOCH_DAY;
}

static int days_in_month(int year, int month)
{
	static const char days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
	return days[month - 1] + (month == 2 && leap);
}

static void put_pair(char *out, unsigned value)
{
	memcpy(out, digit_pairs + 2 * value, 2);
}

static bool scan_char(struct scan *scan, char wanted)
{
	if (scan->left == 0 || *scan->p != wanted)
		return false;
	scan->p++;
	scan->left--;
	return true;
}

/* Exactly count digits, of a value within [min, max]. */
static bool scan_number(struct scan *scan, size_t count, int min, int max, int *value)
{
	if (scan->left < count)
		return false;
	int number = 0;
	for (size_t i = 0; i < count; i++) {
		if (scan->p[i] < '0' || scan->p[i] > '9')
			return false;
		number = number * 10 + (scan->p[i] - '0');
	}
	if (number < min || number > max)
		return false;
	scan->p += count;
	scan->left -= count;
	*value = number;
	return true;
}

/* Nothing, or a point and one to six digits. */
static bool scan_fraction(struct scan *scan, int *fraction_us)
{
	*fraction_us = 0;
	if (!scan_char(scan, '.'))
		return true;
	int value = 0;
	int digits = 0;
	for (int digit; digits < 6 && scan_number(scan, 1, 0, 9, &digit); digits++)
		value = value * 10 + digit;
	if (digits == 0)
		return false;
	for (; digits < 6; digits++)
		value *= 10;
	*fraction_us = value;
	return true;
}

/* Date, separator and time of day, without an offset. */
static bool scan_date_time(struct scan *scan, char separator, int64_t *time_us)
{
	struct date date;
	int hour, minute, second, fraction_us;
	bool ok = scan_number(scan, 4, 1, 9999, &date.year) && scan_char(scan, '-') &&
		  scan_number(scan, 2, 1, 12, &date.month) && scan_char(scan, '-') &&
		  scan_number(scan, 2, 1, days_in_month(date.year, date.month), &date.day) &&
		  scan_char(scan, separator) && scan_number(scan, 2, 0, 23, &hour) &&
		  scan_char(scan, ':') && scan_number(scan, 2, 0, 59, &minute) &&
		  scan_char(scan, ':') && scan_number(scan, 2, 0, 59, &second) &&
		  scan_fraction(scan, &fraction_us);
	if (!ok)
		return false;
	*time_us = day_of_date(date) * DAY_US + (hour * 3600 + minute * 60 + second) * SECOND_US +
		   fraction_us;
	return true;
}

/* "Z", or a sign, hours, a colon and minutes. */
static bool scan_offset(struct scan *scan, int64_t *offset_us)
{
	*offset_us = 0;
	if (scan_char(scan, 'Z'))
		return true;
	bool west = scan_char(scan, '-');
	if (!west && !scan_char(scan, '+'))
		return false;
	int hours, minutes;
	if (!scan_number(scan, 2, 0, 23, &hours) || !scan_char(scan, ':') ||
		!scan_number(scan, 2, 0, 59, &minutes))
		return false;
	*offset_us = (hours * 60 + minutes) * 60 * SECOND_US * (west ? -1 : 1);
	return true;
}

static int64_t clock_us(clockid_t clock)
{
	struct timespec now;
	clock_gettime(clock, &now);
	return now.tv_sec * SECOND_US + now.tv_nsec / 1000;
}

int64_t time_now_us(void)
{
	return clock_us(CLOCK_REALTIME);
}

int64_t time_mono_us(void)
{
	return clock_us(CLOCK_MONOTONIC);
}

void time_format(int64_t time_us, char out[TIME_TEXT_LEN + 1])
{
	/* beyond what the form can hold: the nearest that it can */
	if (time_us < EARLIEST_US)
		time_us = EARLIEST_US;
	if (time_us > LATEST_US)
		time_us = LATEST_US;
	uint64_t since_earliest = (uint64_t)(time_us - EARLIEST_US);
	struct date date = date_of_day((int64_t)(since_earliest / DAY_US) + EARLIEST_US / DAY_US);
	uint64_t of_day_us = since_earliest % DAY_US;
	unsigned second = (unsigned)(of_day_us / SECOND_US);
	unsigned fraction = (unsigned)(of_day_us % SECOND_US);
	put_pair(out, (unsigned)date.year / 100);
	put_pair(out + 2, (unsigned)date.year % 100);
	out[4] = '-';
	put_pair(out + 5, (unsigned)date.month);
	out[7] = '-';
	put_pair(out + 8, (unsigned)date.day);
	out[10] = 'T';
	put_pair(out + 11, second / 3600);
	out[13] = ':';
	put_pair(out + 14, second / 60 % 60);
	out[16] = ':';
	put_pair(out + 17, second % 60);
	out[19] = '.';
	put_pair(out + 20, fraction / 10000);
	put_pair(out + 22, fraction / 100 % 100);
	put_pair(out + 24, fraction % 100);
	out[26] = 'Z';
	out[TIME_TEXT_LEN] = '\0';
}

enum err time_parse(struct str text, int64_t *time_us)
{
	struct scan scan = { text.ptr, text.len };
	int64_t local_us, offset_us;
	if (!scan_date_time(&scan, 'T', &local_us) || !scan_offset(&scan, &offset_us) ||
		scan.left > 0)
		return ERR_INVALID_INPUT;
	int64_t utc_us = local_us - offset_us;
	if (utc_us < 0 || utc_us > LATEST_US)
		return ERR_INVALID_INPUT;
	*time_us = utc_us;
	return OK;
}

enum err time_parse_db(struct str text, int64_t *time_us)
{
	struct scan scan = { text.ptr, text.len };
	char separator = text.len > 10 && text.ptr[10] == 'T' ? 'T' : ' ';
	int64_t parsed_us;
	if (!scan_date_time(&scan, separator, &parsed_us) || !scan_char(&scan, '+') ||
		!scan_char(&scan, '0') || !scan_char(&scan, '0'))
		return ERR_INTERNAL;
	if (scan_char(&scan, ':') && (!scan_char(&scan, '0') || !scan_char(&scan, '0')))
		return ERR_INTERNAL;
	if (scan.left > 0)
		return ERR_INTERNAL;
	*time_us = parsed_us;
	return OK;
}
