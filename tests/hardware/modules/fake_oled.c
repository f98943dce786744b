// SPDX-License-Identifier: GPL-2.0-only
/*
 * An I2C bus with one panel that keeps what it is sent, for tests.
 *
 * The bus takes plain I2C transfers as the boards' own buses do, so that a program runs through i2c-dev and its
 * libraries down to the wire. Nothing is understood here: debugfs fake_oled/received holds every message since the
 * file was last written to, each as its length in two bytes (high byte first) and the message itself.
 *
 * While the parameter cable_out is set, nobody answers, as with a pulled plug.
 */
#include <linux/debugfs.h>
#include <linux/i2c.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/unaligned.h>
#include <linux/vmalloc.h>

#define ROOM (1 << 20)
#define LENGTH 2

static ushort address = 0x3c;
module_param(address, ushort, 0444);
MODULE_PARM_DESC(address, "the panel's address");

static bool cable_out;
module_param(cable_out, bool, 0644);
MODULE_PARM_DESC(cable_out, "whether nobody answers");

static DEFINE_MUTEX(lock);
static u8 *received;
static size_t used;
static struct dentry *folder;

static int keep(const struct i2c_msg *message)
{
	if (used + LENGTH + message->len > ROOM)
		return -ENOSPC;
	put_unaligned_be16(message->len, received + used);
	memcpy(received + used + LENGTH, message->buf, message->len);
	used += LENGTH + message->len;
	return 0;
}

static int transfer(struct i2c_adapter *adapter, struct i2c_msg *messages, int count)
{
	int i, failed = 0;

	mutex_lock(&lock);
	for (i = 0; i < count && !failed; i++) {
		if (cable_out || messages[i].addr != address)
			failed = -EREMOTEIO;
		else if (messages[i].flags & I2C_M_RD)
			memset(messages[i].buf, 0, messages[i].len);
		else
			failed = keep(&messages[i]);
	}
	mutex_unlock(&lock);
	return failed ? failed : count;
}

static u32 functionality(struct i2c_adapter *adapter)
{
	return I2C_FUNC_I2C | I2C_FUNC_SMBUS_EMUL;
}

static const struct i2c_algorithm algorithm = {
	.master_xfer = transfer,
	.functionality = functionality,
};

static struct i2c_adapter bus = {
	.owner = THIS_MODULE,
	.algo = &algorithm,
	.name = "fake-oled",
};

static ssize_t tell(struct file *file, char __user *to, size_t size, loff_t *at)
{
	ssize_t told;

	mutex_lock(&lock);
	told = simple_read_from_buffer(to, size, at, received, used);
	mutex_unlock(&lock);
	return told;
}

static ssize_t forget(struct file *file, const char __user *from, size_t size, loff_t *at)
{
	mutex_lock(&lock);
	used = 0;
	mutex_unlock(&lock);
	return size;
}

static const struct file_operations received_operations = {
	.owner = THIS_MODULE,
	.read = tell,
	.write = forget,
};

static int __init begin(void)
{
	int failed;

	received = vmalloc(ROOM);
	if (!received)
		return -ENOMEM;
	failed = i2c_add_adapter(&bus);
	if (failed) {
		vfree(received);
		return failed;
	}
	folder = debugfs_create_dir("fake_oled", NULL);
	debugfs_create_file("received", 0600, folder, NULL, &received_operations);
	return 0;
}

static void __exit end(void)
{
	debugfs_remove_recursive(folder);
	i2c_del_adapter(&bus);
	vfree(received);
}

module_init(begin);
module_exit(end);
MODULE_DESCRIPTION("I2C bus with a panel that keeps what it is sent");
MODULE_LICENSE("GPL");
