/* Starts every command of PATH as a container engine does, without a shell: "starter OUT [PREFIX...]". Of the
   directories that begin with a prefix only. For each command one line "NAME errno status" in OUT/results (errno of
   execve, status of wait, 124 for one that still ran), and its output in OUT/NAME. Four at once, ten seconds each. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define AT_ONCE 4
#define SECONDS 10
#define MAX 4096

static char *names[MAX];
static char *paths[MAX];
static int count;
static struct { pid_t pid; int command, pipe; time_t since; } jobs[AT_ONCE];
static FILE *results;

static int known(const char *name) {
  for (int i = 0; i < count; i++) if (strcmp(names[i], name) == 0) return 1;
  return 0;
}

static void collect(const char *directory) {
  DIR *dir = opendir(directory);
  struct dirent *entry;
  while (dir != NULL && (entry = readdir(dir)) != NULL && count < MAX) {
    char *path;
    struct stat found;
    if (asprintf(&path, "%s/%s", directory, entry->d_name) < 0) exit(1);
    if (stat(path, &found) != 0) {
      if (lstat(path, &found) != 0 || known(entry->d_name)) continue;
    } else if (!S_ISREG(found.st_mode) || (found.st_mode & 0111) == 0 || known(entry->d_name)) continue;
    names[count] = strdup(entry->d_name);
    paths[count++] = path;
  }
  if (dir != NULL) closedir(dir);
}

static void end(int slot, int status) {
  int error = 0;
  if (read(jobs[slot].pipe, &error, sizeof error) != sizeof error) error = 0;
  close(jobs[slot].pipe);
  fprintf(results, "%s %d %d\n", names[jobs[slot].command], error, status);
  jobs[slot].pid = 0;
}

static void reap(int all) {
  for (;;) {
    int busy = 0;
    for (int i = 0; i < AT_ONCE; i++) {
      int status;
      if (jobs[i].pid == 0) continue;
      if (waitpid(jobs[i].pid, &status, WNOHANG) == jobs[i].pid) {
        kill(-jobs[i].pid, SIGKILL);
        end(i, WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
      } else if (time(NULL) - jobs[i].since > SECONDS) {
        kill(-jobs[i].pid, SIGKILL);
        waitpid(jobs[i].pid, &status, 0);
        end(i, 124);
      } else busy++;
    }
    if (busy == 0 || (!all && busy < AT_ONCE)) return;
    usleep(2000);
  }
}

/* Runtimes say their version before they look for their libraries: they load modules of every kind. */
#define PYTHON "import bz2, ctypes, curses, decimal, hashlib, lzma, readline, sqlite3, ssl, uuid, zlib"
#define RUBY "require 'set'; require 'json'; require 'yaml'; require 'openssl'; require 'zlib'; require 'etc'"
#define NODE "require('crypto').createHash('sha256'); require('zlib').gzipSync('a'); new Intl.DateTimeFormat('de')"

static void run(char *path, char *name) {
  if (strcmp(name, "ruby") == 0) execl(path, name, "-e", RUBY, NULL);
  else if (strncmp(name, "python", 6) == 0 && strchr(name, '-') == NULL) execl(path, name, "-c", PYTHON, NULL);
  else if (strcmp(name, "node") == 0) execl(path, name, "-e", NODE, NULL);
  else if (strcmp(name, "java") == 0) execl(path, name, "-XshowSettings:all", "-version", NULL);
  else if (strcmp(name, "erl") == 0) execl(path, name, "-noshell", "-eval", "halt().", NULL);
  else if (strcmp(name, "go") == 0) execl(path, name, "version", NULL);
  else execl(path, name, "--version", NULL);
}

static void start(const char *out, int command) {
  int ends[2], slot = 0;
  reap(0);
  while (jobs[slot].pid != 0) slot++;
  if (pipe2(ends, O_CLOEXEC) != 0) exit(1);
  pid_t pid = fork();
  if (pid == 0) {
    char *file;
    if (asprintf(&file, "%s/%s", out, names[command]) < 0) exit(1);
    setpgid(0, 0);
    dup2(open("/dev/null", O_RDONLY), 0);
    dup2(open(file, O_WRONLY | O_CREAT | O_TRUNC, 0666), 1);
    dup2(1, 2);
    run(paths[command], names[command]);
    int error = errno;
    if (write(ends[1], &error, sizeof error) < 0) exit(126);
    _exit(127);
  }
  close(ends[1]);
  jobs[slot].pid = pid;
  jobs[slot].command = command;
  jobs[slot].pipe = ends[0];
  jobs[slot].since = time(NULL);
}

int main(int argc, char **argv) {
  char *file, *path = strdup(getenv("PATH") == NULL ? "" : getenv("PATH"));
  if (argc < 2 || asprintf(&file, "%s/results", argv[1]) < 0) return 1;
  results = fopen(file, "w");
  if (results == NULL) return 1;
  for (char *one = strtok(path, ":"); one != NULL; one = strtok(NULL, ":")) {
    int wanted = argc == 2;
    for (int i = 2; i < argc; i++) if (strncmp(one, argv[i], strlen(argv[i])) == 0) wanted = 1;
    if (wanted) collect(one);
  }
  for (int i = 0; i < count; i++) start(argv[1], i);
  reap(1);
  return fclose(results);
}
