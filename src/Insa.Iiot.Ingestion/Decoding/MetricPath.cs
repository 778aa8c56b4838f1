namespace Insa.Iiot.Ingestion.Decoding;

/// <summary>The names of metrics within nested data: the keys on the way, with dots between them.</summary>
internal static class MetricPath
{
    /// <summary>Puts a key behind the path that leads to it.</summary>
    /// <returns><see langword="false"/> if the name is too long.</returns>
    public static bool TryName(Span<byte> path, int prefix, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> name)
    {
        name = key;
        if (prefix == 0)
            return true;
        if (prefix + key.Length > path.Length)
            return false;
        key.CopyTo(path[prefix..]);
        name = path[..(prefix + key.Length)];
        return true;
    }

    /// <summary>Makes a name the path to what is nested under it.</summary>
    public static IngestReason Open(Span<byte> path, ReadOnlySpan<byte> key, ReadOnlySpan<byte> name)
    {
        if (name.Length >= path.Length)
            return IngestReason.NameTooLong;
        if (key.IsEmpty)
            return IngestReason.NameInvalid;
        name.CopyTo(path);
        path[name.Length] = (byte)'.';
        return IngestReason.None;
    }
}
