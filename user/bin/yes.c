/*
 * yes [STRING...]: a line, again and again, until nobody reads it.
 */
#include "user/bin/util.h"

int main(int argc, char **argv)
{
    static char block[16384];
    size_t length = 0, unit;

    util_begin(argv);
    for (int i = 1; i < argc || (argc == 1 && i == 1); i++) {
        const char *word = argc == 1 ? "y" : argv[i];

        if (length + strlen(word) + 2 > sizeof(block) / 2) {
            util_warn("the line is too long");
            return 1;
        }
        if (i > 1)
            block[length++] = ' ';
        length += strlen(strcpy(block + length, word));
    }
    block[length++] = '\n';
    unit = length;
    while (length + unit <= sizeof(block)) {
        memcpy(block + length, block, unit);
        length += unit;
    }
    while (!util_write(STDOUT_FILENO, block, length))
        ;
    util_output_failed(1);
}
