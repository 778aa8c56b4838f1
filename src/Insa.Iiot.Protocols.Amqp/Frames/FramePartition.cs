namespace Insa.Iiot.Protocols.Amqp.Frames;

/// <summary>Which partition a device's frames go to: always the same, on every host and in every version.</summary>
internal static class FramePartition
{
    // FNV-1a, 32 bits: its numbers are fixed, unlike those of HashCode.
    private const uint Offset = 2166136261;
    private const uint Prime = 16777619;

    public static int Of(TenantId tenant, DeviceId device, int partitions)
    {
        if (partitions == 1)
            return 0;
        var hash = Add(Add(Offset, tenant.Value), "/");
        hash = Add(hash, device.Value);

        // The low bits of FNV depend on the low bits of what it reads alone.
        hash ^= hash >> 16;
        hash *= 0x7FEB352D;
        hash ^= hash >> 15;
        return (int)(hash % (uint)partitions);
    }

    private static uint Add(uint hash, string ascii)
    {
        foreach (var c in ascii)
            hash = unchecked((hash ^ c) * Prime);
        return hash;
    }
}
