/* From a terminal's bytes to keys: see <keyboard.h>. */
#include "user/include/keyboard.h"
#include "user/include/utf8.h"

#define PARAMETERS     2
#define PARAMETER_MAX  9999
#define MODIFIED       2 /* and more: with Shift, Alt, Ctrl */
#define SMALLEST_LINES 2 /* ESC [ 1 ; 2 R is a function key's */

void key_decoder_init(struct key_decoder *decoder, bool alt)
{
    *decoder = (struct key_decoder){.alt = alt, .held = -1};
}

static int finish(struct key_decoder *decoder, int key)
{
    decoder->count = 0;
    return key;
}

/* The key ended before this byte, which begins the next. */
static int finish_before(struct key_decoder *decoder, int key, unsigned char byte)
{
    decoder->held = byte;
    return finish(decoder, key);
}

/* Keys that end in ~ are known by their number. */
static int numbered_key(unsigned number)
{
    static const int keys[] = {
        [1] = KEY_HOME,    [2] = KEY_INSERT,    [3] = KEY_DELETE, [4] = KEY_END,
        [5] = KEY_PAGE_UP, [6] = KEY_PAGE_DOWN, [7] = KEY_HOME,   [8] = KEY_END,
    };

    return number > 0 && number < sizeof(keys) / sizeof(keys[0]) ? keys[number] : KEY_UNKNOWN;
}

static int lettered_key(unsigned char letter, bool modified)
{
    switch (letter) {
    case 'A':
        return KEY_UP;
    case 'B':
        return KEY_DOWN;
    case 'C':
        return modified ? KEY_WORD_RIGHT : KEY_RIGHT;
    case 'D':
        return modified ? KEY_WORD_LEFT : KEY_LEFT;
    case 'F':
        return KEY_END;
    case 'H':
        return KEY_HOME;
    case 'Z':
        return KEY_BACK_TAB;
    default:
        return KEY_UNKNOWN;
    }
}

/* ESC [ NUMBER ; NUMBER LETTER, whole but for the letter. */
static int sequence_key(struct key_decoder *decoder, unsigned char letter)
{
    unsigned parameter[PARAMETERS] = {0, 0}, n = 0;

    for (unsigned i = 2; i < decoder->count; i++) {
        unsigned char c = decoder->bytes[i];

        if (c == ';' && n + 1 < PARAMETERS)
            n++;
        else if (c >= '0' && c <= '9' && parameter[n] <= PARAMETER_MAX / 10)
            parameter[n] = parameter[n] * 10 + (unsigned)(c - '0');
        else
            return KEY_UNKNOWN;
    }
    if (letter == 'R' && parameter[0] >= SMALLEST_LINES && parameter[1] > 0) {
        decoder->rows = parameter[0];
        decoder->columns = parameter[1];
        return KEY_SIZE;
    }
    if (letter == '~')
        return numbered_key(parameter[0]);
    return lettered_key(letter, parameter[1] >= MODIFIED);
}

static int decode_sequence(struct key_decoder *decoder, unsigned char byte)
{
    if (byte < ' ' || byte > '~')
        return finish_before(decoder, KEY_UNKNOWN, byte);
    if (byte >= '@')
        return finish(decoder, sequence_key(decoder, byte));
    /* One that is too long is read to its end all the same: its last byte here is
     * no digit, and so makes it unknown. */
    if (decoder->count < sizeof(decoder->bytes))
        decoder->bytes[decoder->count++] = byte;
    else
        decoder->bytes[sizeof(decoder->bytes) - 1] = '?';
    return KEY_MORE;
}

static int decode_after_escape(struct key_decoder *decoder, unsigned char byte)
{
    if (byte == '[' || (byte == 'O' && decoder->alt)) {
        decoder->bytes[decoder->count++] = byte;
        return KEY_MORE;
    }
    if (decoder->alt && byte < KEY_BACKSPACE && byte != KEY_ESCAPE)
        return finish(decoder, KEY_ALT + byte);
    if (decoder->alt && byte == KEY_BACKSPACE)
        return finish(decoder, KEY_ALT + KEY_BACKSPACE);
    return finish_before(decoder, KEY_ESCAPE, byte);
}

static int decode_character(struct key_decoder *decoder, unsigned char byte)
{
    unsigned char lead = decoder->bytes[0];
    unsigned size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    long code;

    if ((byte & 0xc0) != 0x80)
        return finish_before(decoder, KEY_UNKNOWN, byte);
    decoder->bytes[decoder->count++] = byte;
    if (decoder->count < size)
        return KEY_MORE;
    utf8_decode((const char *)decoder->bytes, size, &code);
    return finish(decoder, code == UTF8_INVALID ? KEY_UNKNOWN : (int)code);
}

int key_decode(struct key_decoder *decoder, unsigned char byte)
{
    decoder->held = -1;
    if (decoder->count && decoder->bytes[0] != KEY_ESCAPE)
        return decode_character(decoder, byte);
    if (decoder->count == 1)
        return decode_after_escape(decoder, byte);
    if (decoder->count && decoder->bytes[1] == 'O')
        return finish(decoder, lettered_key(byte, false));
    if (decoder->count)
        return decode_sequence(decoder, byte);
    if (byte == '\r')
        return KEY_ENTER;
    if (byte < 0x80 && byte != KEY_ESCAPE)
        return byte;
    if (byte >= 0x80 && (byte < 0xc2 || byte > 0xf4))
        return KEY_UNKNOWN;
    decoder->bytes[decoder->count++] = byte;
    return KEY_MORE;
}

int key_decode_end(struct key_decoder *decoder)
{
    bool escape = decoder->count && decoder->bytes[0] == KEY_ESCAPE;

    if (escape && decoder->count == 2)
        return finish_before(decoder, KEY_ESCAPE, decoder->bytes[1]);
    return finish(decoder, escape && decoder->count == 1 ? KEY_ESCAPE : KEY_UNKNOWN);
}
