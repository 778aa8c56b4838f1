using System.Buffers.Binary;

namespace Insa.Iiot.Protocols.Coap;

/// <summary>Keeps the sequence numbers of one OSCORE context in a file of eight bytes. One client at a time has it open; a copy of the file must never be put back.</summary>
public sealed class OscoreSequenceFile : IOscoreSequenceStore, IDisposable
{
    private readonly FileStream _file;
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Opens the file, or makes it for a context that was never used.</summary>
    /// <exception cref="IOException">It cannot be opened, or another has it open.</exception>
    public OscoreSequenceFile(string path)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        _file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, bufferSize: 0);
    }

    /// <inheritdoc />
    /// <exception cref="InvalidDataException">The file is damaged: the device needs another key.</exception>
    public async ValueTask<long> ReserveAsync(int count, CancellationToken cancellationToken = default)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(count, 1);
        await _turn.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var first = Read();
            Write(first + count);
            return first;
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Closes the file.</summary>
    public void Dispose()
    {
        _file.Dispose();
        _turn.Dispose();
    }

    private long Read()
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        if (_file.Length == 0)
            return 0;
        if (_file.Length != bytes.Length)
            throw new InvalidDataException("The file of sequence numbers is damaged: none can be known to be unused.");
        _file.Position = 0;
        _file.ReadExactly(bytes);
        var next = BinaryPrimitives.ReadInt64BigEndian(bytes);
        return next >= 0
            ? next
            : throw new InvalidDataException("The file of sequence numbers is damaged: none can be known to be unused.");
    }

    // In place: eight bytes that lie in one sector are written whole or not at all.
    private void Write(long next)
    {
        Span<byte> bytes = stackalloc byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(bytes, next);
        _file.Position = 0;
        _file.Write(bytes);
        _file.Flush(flushToDisk: true);
    }
}
