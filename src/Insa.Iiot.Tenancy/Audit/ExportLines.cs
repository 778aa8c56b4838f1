using System.Runtime.CompilerServices;

namespace Insa.Iiot.Tenancy.Audit;

/// <summary>Reads lines, each with its end, of bounded length.</summary>
internal static class ExportLines
{
    // More than the largest entry, whose every character may take six bytes.
    private const int MaxLine = 256 * 1024;

    /// <summary>Reads the lines of a stream. What is too long or has no end is <see langword="null"/>, and the last.</summary>
    public static async IAsyncEnumerable<ReadOnlyMemory<byte>?> ReadAsync(
        Stream stream,
        [EnumeratorCancellation] CancellationToken cancellationToken
    )
    {
        var buffer = new byte[MaxLine];
        var filled = 0;
        while (true)
        {
            var read = await stream.ReadAsync(buffer.AsMemory(filled), cancellationToken).ConfigureAwait(false);
            filled += read;
            var start = 0;
            for (var length = FindEnd(buffer, start, filled); length >= 0; length = FindEnd(buffer, start, filled))
            {
                yield return buffer.AsMemory(start, length);
                start += length + 1;
            }

            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
            if (read > 0 && filled < buffer.Length)
                continue;
            if (filled > 0)
                yield return null;
            yield break;
        }
    }

    private static int FindEnd(byte[] buffer, int start, int filled) => buffer.AsSpan(start, filled - start).IndexOf((byte)'\n');
}
