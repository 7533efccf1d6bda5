#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consumers/csv.h"
#include "tests/unit/property.h"
#include "tests/unit/text_file.h"

enum { READ_MAX = 4096 };

/* All rows as "line:field|field" joined by "; ", or what the fault says. */
static void
read_all(const char *text, char separator, char out_read[READ_MAX])
{
    struct csv *csv;
    struct fault fault;
    size_t columns, used = 0;
    int file = text_file(text, strlen(text));
    *out_read = '\0';
    if (!csv_open(file, "a.csv", separator, &csv, &fault)) {
        snprintf(out_read, READ_MAX, "%s", fault.text);
        close(file);
        return;
    }
    csv_header(csv, &columns);
    for (;;) {
        struct csv_row row;
        bool end;
        if (!csv_read(csv, &row, &end, &fault)) {
            snprintf(out_read, READ_MAX, "%s", fault.text);
            break;
        }
        if (end) break;
        used += (size_t)snprintf(out_read + used, READ_MAX - used, "%s%llu:", used > 0 ? "; " : "",
                                 (unsigned long long)row.line);
        for (size_t i = 0; i < columns; i++) {
            used += (size_t)snprintf(out_read + used, READ_MAX - used, "%s%.*s", i > 0 ? "|" : "",
                                     (int)row.fields[i].size, (const char *)row.fields[i].data);
        }
    }
    csv_close(csv);
    close(file);
}

Test(csv, reads_what_the_standard_allows)
{
    const struct {
        const char *what, *text;
        char separator;
        const char *rows;
    } rows[] = {
        {"a header alone", "a,b\n", ',', ""},
        {"plain", "a,b\n1,2\n3,4\n", ',', "2:1|2; 3:3|4"},
        {"CR LF", "a,b\r\n1,2\r\n", ',', "2:1|2"},
        {"a carriage return inside", "a,b\n1\r3,2\n", ',', "2:1\r3|2"},
        {"empty fields", "a,b,c\n,,\n", ',', "2:||"},
        {"quotes", "a,b\n\"1,5\",\"x\"\n", ',', "2:1,5|x"},
        {"doubled quotes", "a,b\n\"say \"\"hi\"\"\",\"\"\"\"\n", ',', "2:say \"hi\"|\""},
        {"quotes before CR LF", "a,b\r\n\"1\",\"2\"\r\n", ',', "2:1|2"},
        {"empty quotes", "a,b\n\"\",\"\"\n", ',', "2:|"},
        {"line ends inside", "a,b\n\"1\n2\r\n3\",4\n5,6\n", ',', "2:1\n2\r\n3|4; 5:5|6"},
        {"blanks are text", "a,b\n 1 , 2\n", ',', "2: 1 | 2"},
        {"empty lines are passed over but counted", "\na,b\n\n1,2\n\r\n\n3,4\n\n", ',',
         "4:1|2; 7:3|4"},
        {"one column, empty in quotes", "a\n\"\"\nx\n", ',', "2:; 3:x"},
        {"a byte order mark",
         "\xef\xbb\xbf"
         "a,b\n1,2\n",
         ',', "2:1|2"},
        {"a byte order mark before quotes", "\xef\xbb\xbf\"a\",b\n1,2\n", ',', "2:1|2"},
        {"another separator", "a;b\n1,5;\"2;3\"\n", ';', "2:1,5|2;3"},
        {"tabs", "a\tb\n1\t2\n", '\t', "2:1|2"},
        {"quoted header", "\"a\"\"b\",c\n1,2\n", ',', "2:1|2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char read[READ_MAX];
        read_all(rows[i].text, rows[i].separator, read);
        cr_expect_str_eq(read, rows[i].rows, "%s: %s", rows[i].what, read);
    }
}

Test(csv, names_place_and_remedy_of_what_is_broken)
{
    const struct {
        const char *what, *text, *fault;
    } rows[] = {
        {"nothing", "", "a.csv is empty: a header with the names of the columns is needed"},
        {"only empty lines", "\n\n",
         "a.csv is empty: a header with the names of the columns is needed"},
        {"a column twice", "a,b,a\n", "a.csv: columns 1 and 3 are both called 'a'; rename one"},
        {"too few fields", "a,b\n1,2\n3\n",
         "a.csv:3: the row has 1 fields, the header 2; is a separator or a quote missing?"},
        {"too many fields", "a,b\n1,2,3\n",
         "a.csv:2: the row has 3 fields, the header 2; is a separator or a quote missing?"},
        {"a quote inside bare text", "a,b\n1,x\"y\"\n",
         "a.csv:2: field 2 has a quote inside bare text; put the field in quotes and double the "
         "one inside"},
        {"text behind a closing quote", "a,b\n1,\"x\"y\n",
         "a.csv:2: field 2 has text behind its closing quote; double a quote that belongs to the "
         "text"},
        {"a carriage return behind a closing quote", "a,b\n\"x\"\r,2\n",
         "a.csv:2: field 1 has text behind its closing quote; double a quote that belongs to the "
         "text"},
        {"a quote wrong in the second line of a row", "a,b\n\"1\n2\",x\"\n",
         "a.csv:3: field 2 has a quote inside bare text; put the field in quotes and double the "
         "one inside"},
        {"cut in a field", "a,b\n1,2\n3,4",
         "a.csv:3: the file ends in the middle of this row: it was cut; get it whole (or, if "
         "nothing is missing, end its last "
         "line)"},
        {"cut in quotes", "a,b\n1,\"2\n",
         "a.csv:2: the file ends in the middle of this row: it was cut; get it whole (or, if "
         "nothing is missing, end its last "
         "line)"},
        {"cut behind a quote", "a,b\n1,\"2\"",
         "a.csv:2: the file ends in the middle of this row: it was cut; get it whole (or, if "
         "nothing is missing, end its last "
         "line)"},
        {"cut in the header", "a,b",
         "a.csv:1: the file ends in the middle of this row: it was cut; get it whole (or, if "
         "nothing is missing, end its last "
         "line)"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char read[READ_MAX];
        read_all(rows[i].text, ',', read);
        cr_expect_str_eq(read, rows[i].fault, "%s: %s", rows[i].what, read);
    }
}

Test(csv, a_quote_that_is_never_closed_does_not_swallow_the_file)
{
    size_t size = 4 * CSV_ROW_BYTES_MAX;
    char *text = malloc(size + 1), read[READ_MAX];
    memset(text, 'x', size);
    text[size] = '\0';
    memcpy(text, "a,b\n1,\"", 7);
    read_all(text, ',', read);
    cr_expect_str_eq(
        read, "a.csv:2: this row is longer than 65536 bytes; is a quote in it never closed?");
    text[6] = 'x'; /* and without a quote, a line that never ends */
    read_all(text, ',', read);
    cr_expect_str_eq(
        read, "a.csv:2: this row is longer than 65536 bytes; is a quote in it never closed?");
    free(text);
}

Test(csv, reads_a_pipe_that_gives_a_byte_at_a_time)
{
    static const char text[] = "a,b\r\n\"1\"\"\",\"2\r\n\"\r\n3,4\n";
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    pid_t writer = fork();
    cr_assert(writer >= 0);
    if (writer == 0) {
        close(ends[0]);
        for (size_t i = 0; i < sizeof text - 1; i++) {
            if (write(ends[1], text + i, 1) != 1) _exit(1);
        }
        _exit(0);
    }
    close(ends[1]);
    struct csv *csv;
    struct csv_row row;
    struct fault fault;
    bool end;
    cr_assert(csv_open(ends[0], "pipe", ',', &csv, &fault), "%s", fault.text);
    cr_assert(csv_read(csv, &row, &end, &fault) && !end);
    cr_expect(bytes_equal(row.fields[0], BYTES_LITERAL("1\"")));
    cr_expect(bytes_equal(row.fields[1], BYTES_LITERAL("2\r\n")));
    cr_assert(csv_read(csv, &row, &end, &fault) && !end);
    cr_expect_eq(row.line, 4);
    cr_assert(csv_read(csv, &row, &end, &fault) && end);
    cr_expect_eq(csv_bytes_read(csv), sizeof text - 1);
    csv_close(csv);
}

enum { MODEL_ROWS = 20000, MODEL_COLUMNS = 3, FIELD_MAX = 24 };

struct model_field {
    char text[FIELD_MAX];
    size_t size;
};

static void
make_field(struct property *property, struct model_field *out_field)
{
    static const char alphabet[] = "ab,\"\n\r \xc3\xa9";
    out_field->size = property_below(property, FIELD_MAX);
    for (size_t i = 0; i < out_field->size; i++) {
        out_field->text[i] = alphabet[property_below(property, sizeof alphabet - 1)];
    }
}

/* As a careful writer would: in quotes when needed, and now and then when not. */
static void
write_field(FILE *out, const struct model_field *field, bool quoted)
{
    for (size_t i = 0; i < field->size; i++) {
        quoted |= strchr(",\"\n\r", field->text[i]) != NULL;
    }
    if (quoted) fputc('"', out);
    for (size_t i = 0; i < field->size; i++) {
        if (field->text[i] == '"') fputc('"', out);
        fputc(field->text[i], out);
    }
    if (quoted) fputc('"', out);
}

Test(csv, gives_back_what_was_written_across_every_edge_of_its_buffer)
{
    struct property property = property_start();
    struct model_field(*rows)[MODEL_COLUMNS] = malloc(MODEL_ROWS * sizeof *rows);
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    fputs("a,b,c\n", out);
    for (size_t i = 0; i < MODEL_ROWS; i++) {
        for (size_t j = 0; j < MODEL_COLUMNS; j++) {
            make_field(&property, &rows[i][j]);
            if (j > 0) fputc(',', out);
            write_field(out, &rows[i][j], property_below(&property, 4) == 0);
        }
        fputs(property_below(&property, 2) == 0 ? "\n" : "\r\n", out);
    }
    fclose(out);
    int file = text_file(text, size);
    struct csv *csv;
    struct fault fault;
    cr_assert(csv_open(file, "model.csv", ',', &csv, &fault), "%s", fault.text);
    struct csv_row row;
    bool end;
    for (size_t i = 0; i < MODEL_ROWS; i++) {
        cr_assert(csv_read(csv, &row, &end, &fault) && !end, "row %zu, seed %llu: %s", i,
                  (unsigned long long)property.seed, fault.text);
        for (size_t j = 0; j < MODEL_COLUMNS; j++) {
            cr_assert(bytes_equal(row.fields[j], bytes_of(rows[i][j].text, rows[i][j].size)),
                      "row %zu field %zu, seed %llu", i, j, (unsigned long long)property.seed);
        }
    }
    cr_assert(csv_read(csv, &row, &end, &fault) && end);
    cr_expect_eq(csv_bytes_read(csv), size);
    csv_close(csv);
    close(file);
    free(text);
    free(rows);
}
