using System.Buffers;
using System.IO.Compression;
using System.Text.Json;

namespace Insa.Iiot.Tenancy.Offboarding;

/// <summary>A file of an archive with JSON objects: one a line, or for a name in <c>.json</c> an array of them.</summary>
internal sealed class JsonEntry : IAsyncDisposable
{
    private const int FlushBytes = 64 * 1024;

    private readonly Stream _stream;
    private readonly bool _isArray;
    private readonly ArrayBufferWriter<byte> _buffer = new(FlushBytes);
    private readonly Utf8JsonWriter _writer;
    private bool _isFirst = true;

    private JsonEntry(Stream stream, bool isArray)
    {
        (_stream, _isArray) = (stream, isArray);
        _writer = new Utf8JsonWriter(_buffer);
    }

    public static async Task WriteAsync(ZipArchive archive, string name, Func<JsonEntry, Task> write, CancellationToken cancellationToken)
    {
        var stream = await archive.CreateEntry(name).OpenAsync(cancellationToken).ConfigureAwait(false);
        await using var disposeStream = stream.ConfigureAwait(false);
        var json = new JsonEntry(stream, name.EndsWith(".json", StringComparison.Ordinal));
        await using var disposeJson = json.ConfigureAwait(false);
        if (json._isArray)
            json._buffer.Write("[\n"u8);
        await write(json).ConfigureAwait(false);
        if (json._isArray)
            json._buffer.Write(json._isFirst ? "]\n"u8 : "\n]\n"u8);
        await json.FlushAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Adds an object with the members that are written.</summary>
    public ValueTask AddAsync(Action<Utf8JsonWriter> write, CancellationToken cancellationToken)
    {
        if (_isArray && !_isFirst)
            _buffer.Write(",\n"u8);
        _isFirst = false;
        _writer.Reset();
        _writer.WriteStartObject();
        write(_writer);
        _writer.WriteEndObject();
        _writer.Flush();
        if (!_isArray)
            _buffer.Write("\n"u8);
        return _buffer.WrittenCount < FlushBytes ? default : FlushAsync(cancellationToken);
    }

    public ValueTask DisposeAsync() => _writer.DisposeAsync();

    private async ValueTask FlushAsync(CancellationToken cancellationToken)
    {
        await _stream.WriteAsync(_buffer.WrittenMemory, cancellationToken).ConfigureAwait(false);
        _buffer.ResetWrittenCount();
    }
}
