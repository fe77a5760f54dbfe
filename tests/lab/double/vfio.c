// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "double.h"

static const char* const kModes[] = {"intx", "msi", "msix"};
static const int kIndexes[] = {
    VFIO_PCI_INTX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_MSIX_IRQ_INDEX};

int set_vectors(struct device* d, int count) {
  char buffer[sizeof(struct vfio_irq_set) + sizeof(int) * MAX_VECTORS] = {0};
  struct vfio_irq_set* set = (void*)buffer;
  set->argsz = sizeof *set + sizeof(int) * count;
  set->index = kIndexes[d->mode];
  set->count = count;
  set->flags =
      VFIO_IRQ_SET_ACTION_TRIGGER | (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
  memcpy(set->data, d->event, sizeof(int) * count);
  return ioctl(d->fd, VFIO_DEVICE_SET_IRQS, set);
}

static void unmask_intx(struct device* d) {
  struct vfio_irq_set set = {.argsz = sizeof set,
                             .flags = VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_UNMASK,
                             .index = VFIO_PCI_INTX_IRQ_INDEX,
                             .count = 1};
  ioctl(d->fd, VFIO_DEVICE_SET_IRQS, &set);
}

void take_interrupt(struct device* d, int v) {
  uint64_t count;
  if (read(d->event[v], &count, sizeof count) == sizeof count)
    d->got[v] += count;
  if (d->mode == INTX) {
    if (d->bar && d->id == 0x11e81234)
      set32(d, 0x64, 1);
    unmask_intx(d);
  }
}

void device_reboot(struct device* d) {
  const char* step = getenv("VMD_STEP_MS");
  set_vectors(d, 0);
  nap(200000);
  ioctl(d->fd, VFIO_DEVICE_RESET);
  for (int n = step ? 1 : d->vectors; n <= d->vectors; n++) {
    set_vectors(d, 0);
    if (set_vectors(d, n))
      perror("double: SET_IRQS again");
    if (n < d->vectors)
      nap(1000L * atoi(step));
  }
  device_prepare(d);
}

// A VF's own configuration space may say ffff:ffff: sysfs knows better.
static uint32_t read_id(const struct device* d, const char* name) {
  char path[256];
  unsigned value = 0;
  snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/%s", d->address, name);
  FILE* file = fopen(path, "r");
  if (!file || fscanf(file, "%x", &value) != 1)
    die(path);
  fclose(file);
  return value;
}

static int group_of(const struct device* d) {
  char path[256], target[256];
  snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/iommu_group", d->address);
  ssize_t length = readlink(path, target, sizeof target - 1);
  if (length < 0)
    die(path);
  target[length] = 0;
  return atoi(strrchr(target, '/') + 1);
}

static void open_group(struct device* d, struct device* devices, int container) {
  char path[64];
  for (struct device* other = devices; other < d; other++)
    if (other->group == d->group) {
      d->group_fd = other->group_fd;
      return;
    }
  snprintf(path, sizeof path, "/dev/vfio/%d", d->group);
  d->group_fd = open(path, O_RDWR);
  if (d->group_fd < 0)
    die(path);
  struct vfio_group_status status = {.argsz = sizeof status};
  ioctl(d->group_fd, VFIO_GROUP_GET_STATUS, &status);
  if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
    errno = EBUSY;
    die("the group is not viable");
  }
  if (ioctl(d->group_fd, VFIO_GROUP_SET_CONTAINER, &container))
    die("SET_CONTAINER");
  if (d == devices && ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
    die("SET_IOMMU");
}

static void map_bar(struct device* d) {
  struct vfio_region_info info = {.argsz = sizeof info, .index = VFIO_PCI_BAR0_REGION_INDEX};
  if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &info) || !info.size ||
      !(info.flags & VFIO_REGION_INFO_FLAG_MMAP))
    return;
  void* at = mmap(0, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, d->fd, info.offset);
  if (at != MAP_FAILED)
    d->bar = at;
}

// The best kind of interrupt that the device has, or the one that VMD_MODE asks for.
static void choose_mode(struct device* d) {
  const char *wanted = getenv("VMD_MODE"), *most = getenv("VMD_VECTORS");
  for (int mode = MSIX; mode >= INTX; mode--) {
    struct vfio_irq_info info = {.argsz = sizeof info, .index = kIndexes[mode]};
    if (wanted && strcmp(wanted, kModes[mode]))
      continue;
    if (ioctl(d->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) || !info.count)
      continue;
    d->mode = mode;
    d->vectors = info.count < MAX_VECTORS ? info.count : MAX_VECTORS;
    if (most && atoi(most) < d->vectors)
      d->vectors = atoi(most);
    return;
  }
  errno = ENOENT;
  die("no such interrupt");
}

void device_open(struct device* d, struct device* devices, int container) {
  d->container = container;
  d->group = group_of(d);
  open_group(d, devices, container);
  d->fd = ioctl(d->group_fd, VFIO_GROUP_GET_DEVICE_FD, d->address);
  if (d->fd < 0)
    die("GET_DEVICE_FD");
  ioctl(d->fd, VFIO_DEVICE_RESET);
  struct vfio_region_info info = {.argsz = sizeof info, .index = VFIO_PCI_CONFIG_REGION_INDEX};
  if (ioctl(d->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
    die("GET_REGION_INFO");
  d->config = info.offset;
  d->id = read_id(d, "device") << 16 | read_id(d, "vendor");
  d->class = read_id(d, "class");
  map_bar(d);
  choose_mode(d);
  for (int v = 0; v < d->vectors; v++)
    d->event[v] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (set_vectors(d, d->vectors))
    die("SET_IRQS");
  if (device_prepare(d)) {
    fprintf(stderr, "double: %s cannot raise interrupts\n", d->address);
    d->bar = 0;
  }
  printf("double: %s %s x%d\n", d->address, kModes[d->mode], d->vectors);
}
