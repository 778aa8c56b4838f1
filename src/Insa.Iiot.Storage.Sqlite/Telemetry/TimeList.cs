namespace Insa.Iiot.Storage.Sqlite.Telemetry;

/// <summary>Ascending times as a blob: the distance of each to the one before, in 7 bits a byte, the lowest first.</summary>
internal static class TimeList
{
    /// <summary>Writes one distance.</summary>
    public static void Append(List<byte> blob, long distance)
    {
        for (var left = (ulong)distance; ; left >>= 7)
        {
            blob.Add((byte)((left & 0x7F) | (left > 0x7F ? 0x80u : 0)));
            if (left <= 0x7F)
                return;
        }
    }

    /// <summary>Reads the times back.</summary>
    public static IEnumerable<long> Read(byte[] blob, long start)
    {
        var time = start;
        for (var i = 0; i < blob.Length; )
        {
            ulong distance = 0;
            for (var shift = 0; i < blob.Length; shift += 7)
            {
                var b = blob[i++];
                distance |= (ulong)(b & 0x7F) << shift;
                if ((b & 0x80) == 0)
                    break;
            }

            time += (long)distance;
            yield return time;
        }
    }
}
