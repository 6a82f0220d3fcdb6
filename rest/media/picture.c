/* Pictures (picture.h) in parley-picture, by libvips. Called by main.c. */
#include "rest/media/picture.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vips/vips.h>
#include <vips/vector.h>

enum {
	THUMBNAIL_QUALITY = 75,
	TURNED_FROM = 5 /* of EXIF's orientations: width and height change places */
};

/* Decoders of the types that sniff.c calls pictures; of no others. */
static const char *const loaders[] = {
	"VipsForeignLoadJpeg",
	"VipsForeignLoadPng",
	"VipsForeignLoadNsgif",
	"VipsForeignLoadWebp",
	"VipsForeignLoadHeif",
};

/* A decoder of libvips that is a module comes with all of its modules, of which one is all of ImageMagick. */
static bool is_of_module(const char *head, size_t size)
{
	return size >= 8 && memcmp(head + 4, "ftyp", 4) == 0; /* HEIF and AVIF */
}

/* Libraries write what they think of a picture: nobody wants to know. */
static void log_nothing(
	const char *domain, GLogLevelFlags level, const char *message, void *context)
{
	(void)domain, (void)level, (void)message, (void)context;
}

bool picture_open(const char *program, const char *head, size_t size)
{
	if (!is_of_module(head, size))
		setenv("VIPSHOME", "/nonexistent", 1); /* where it looks for modules */
	setenv("VIPS_DISC_THRESHOLD", "2g", 1);	       /* there is no disk to go to */
	if (VIPS_INIT(program) != 0)
		return false;
	g_log_set_default_handler(log_nothing, NULL);
	vips_vector_set_enabled(FALSE); /* it makes code at run time */
	vips_concurrency_set(1);
	vips_cache_set_max(0);
	vips_operation_block_set("VipsForeignLoad", TRUE);
	for (size_t i = 0; i < sizeof(loaders) / sizeof(loaders[0]); i++)
		vips_operation_block_set(loaders[i], FALSE);
	return true;
}

/* The file from its beginning; NULL when there is no memory. */
static VipsSource *source_of(int fd)
{
	return lseek(fd, 0, SEEK_SET) == 0 ? vips_source_new_from_descriptor(fd) : NULL;
}

/* By the head alone: nothing is decoded. */
static struct picture head_read(int fd)
{
	struct picture picture = { .state = PICTURE_BROKEN };
	VipsSource *source = source_of(fd);
	VipsImage *image = source ? vips_image_new_from_source(
					    source, "", "access", VIPS_ACCESS_SEQUENTIAL, NULL)
				  : NULL;

	if (image) {
		bool turned = vips_image_get_orientation(image) >= TURNED_FROM;
		int width = vips_image_get_width(image);
		int height = vips_image_get_page_height(image);

		picture = (struct picture){
			.state = (int64_t)width * height > PICTURE_PIXELS_MAX ? PICTURE_HUGE
									      : PICTURE_GOOD,
			.width = turned ? height : width,
			.height = turned ? width : height,
		};
		g_object_unref(image);
	}
	if (source)
		g_object_unref(source);
	return picture;
}

/* Where it was taken, by whom and with what; and 7 kB that say that its colours are the usual ones. libvips 8.14 keeps some of it
 * when it is told to strip. */
static void metadata_remove(VipsImage *image)
{
	gchar **fields = vips_image_get_fields(image);

	for (gchar **field = fields; field && *field; field++)
		vips_image_remove(image, *field); /* but width and the like, which stay */
	g_strfreev(fields);
}

static VipsImage *shrink(VipsSource *source)
{
	VipsImage *small = NULL, *bare = NULL;

	/* the first picture of those that move; turned upright; in the colours that a screen has. fail_on as a property of its own does
	 * not come to the decoder in libvips 8.14. */
	if (vips_thumbnail_source(source, &small, THUMBNAIL_PIXELS, "height", THUMBNAIL_PIXELS,
		    "size", VIPS_SIZE_DOWN, "export_profile", "srgb", "option_string",
		    "[fail_on=error]", NULL) != 0)
		return NULL;
	if (vips_copy(small, &bare, NULL) == 0)
		metadata_remove(bare);
	g_object_unref(small);
	return bare;
}

static bool save(VipsImage *small, int thumb_fd)
{
	VipsTarget *target = vips_target_new_to_descriptor(thumb_fd);
	bool saved = target && vips_webpsave_target(small, target, "Q", THUMBNAIL_QUALITY, "strip",
				       TRUE, NULL) == 0;

	if (target)
		g_object_unref(target);
	return saved;
}

/* Decodes all of it. */
static bool thumbnail_make(int fd, int thumb_fd)
{
	VipsSource *source = source_of(fd);
	VipsImage *small = source ? shrink(source) : NULL;
	bool made = small && save(small, thumb_fd);

	if (small)
		g_object_unref(small);
	if (source)
		g_object_unref(source);
	return made;
}

struct picture picture_look(int fd, int thumb_fd)
{
	struct picture picture = head_read(fd);

	if (picture.state == PICTURE_GOOD && !thumbnail_make(fd, thumb_fd))
		picture.state = PICTURE_BROKEN;
	return picture;
}
