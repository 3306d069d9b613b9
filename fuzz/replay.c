// Runs a fuzz target over the files of a directory, in place of libFuzzer: so the ordinary tests
// take every seed and every input that once broke something.
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define INPUT_MAX (1U << 20)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool replay(const char *directory, const char *name, uint8_t *input)
{
    char path[4096];
    const int len = snprintf(path, sizeof(path), "%s/%s", directory, name);
    FILE *file = len > 0 && (size_t)len < sizeof(path) ? fopen(path, "rb") : NULL;

    if (file == NULL) {
        return false;
    }
    const size_t size = fread(input, 1, INPUT_MAX, file);
    const bool good = ferror(file) == 0;
    fclose(file);
    if (good) {
        (void)LLVMFuzzerTestOneInput(input, size);
    }
    return good;
}

int main(int argc, char **argv)
{
    uint8_t *input = malloc(INPUT_MAX);
    DIR *directory = argc == 2 ? opendir(argv[1]) : NULL;
    unsigned count = 0;
    unsigned failed = 0;

    if (input == NULL || directory == NULL) {
        fprintf(stderr, "usage: %s DIRECTORY\n", argv[0]);
        return 2;
    }
    for (struct dirent *entry = readdir(directory); entry != NULL; entry = readdir(directory)) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        const bool good = replay(argv[1], entry->d_name, input);
        count++;
        failed += good ? 0 : 1;
        printf("%s %u - %s\n", good ? "ok" : "not ok", count, entry->d_name);
        fflush(stdout);
    }
    printf("1..%u\n", count);
    closedir(directory);
    free(input);
    return failed > 0 || count == 0 ? 1 : 0;
}
