using System.Buffers.Binary;
using System.Text;

namespace Insa.Iiot.Protocols.Coap.Client;

/// <summary>What all messages of a request share: the method and the caller's options, in order.</summary>
internal sealed class RequestHead
{
    private static readonly int[] OwnOptions =
    [
        CoapOptionNumber.Observe,
        CoapOptionNumber.Block1,
        CoapOptionNumber.Block2,
        CoapOptionNumber.Size1,
        CoapOptionNumber.Echo,
        CoapOptionNumber.NoResponse,
        CoapOptionNumber.RequestTag,
    ];

    private readonly CoapOption[] _options;

    /// <exception cref="ArgumentException">The request has an option of a length or number that is not allowed.</exception>
    public RequestHead(CoapRequest request, string? uriHost)
    {
        Method = request.Method;
        IsConfirmable = request.IsConfirmable;
        NoResponse = request.NoResponse;
        Payload = request.Payload;

        // OrderBy is stable: options of one number keep their order.
        _options = [.. Collect(request, uriHost).OrderBy(option => option.Number)];
        var last = 0;
        foreach (var option in _options)
        {
            OptionBytes += 1 + ExtendedBytesOf(option.Number - last) + ExtendedBytesOf(option.Value.Length) + option.Value.Length;
            last = option.Number;
        }
    }

    public CoapCode Method { get; }

    public bool IsConfirmable { get; }

    public CoapNoResponse NoResponse { get; }

    public ReadOnlyMemory<byte> Payload { get; }

    public IReadOnlyList<CoapOption> Options => _options;

    /// <summary>How many bytes the options take.</summary>
    public int OptionBytes { get; }

    // RFC 7252 §3.1: what is too large for its nibble takes one or two bytes more.
    private static int ExtendedBytesOf(int value) =>
        value switch
        {
            < 13 => 0,
            < 269 => 1,
            _ => 2,
        };

    private static List<CoapOption> Collect(CoapRequest request, string? uriHost)
    {
        List<CoapOption> options = [];
        if (uriHost is not null)
            AddText(options, CoapOptionNumber.UriHost, uriHost);
        foreach (var segment in request.PathSegments)
            AddText(options, CoapOptionNumber.UriPath, segment);
        foreach (var part in request.Query)
            AddText(options, CoapOptionNumber.UriQuery, part);
        foreach (var tag in request.ETags)
            Add(options, CoapOptionNumber.ETag, tag, 1, 8);
        foreach (var tag in request.IfMatch)
            Add(options, CoapOptionNumber.IfMatch, tag, 0, 8);
        if (request.IfNoneMatch)
            Add(options, CoapOptionNumber.IfNoneMatch, default, 0, 0);
        AddFormat(options, CoapOptionNumber.ContentFormat, request.ContentFormat);
        AddFormat(options, CoapOptionNumber.Accept, request.Accept);
        foreach (var option in request.Options)
            AddExtra(options, option);
        return options;
    }

    private static void AddExtra(List<CoapOption> options, CoapOption option)
    {
        if (option.Number is < 1 or > ushort.MaxValue)
            throw new ArgumentException($"An option's number is 1 to 65,535, not {option.Number}.", nameof(option));
        if (OwnOptions.Contains(option.Number))
            throw new ArgumentException($"Option {option.Number} is the client's own.", nameof(option));
        options.Add(option);
    }

    private static void AddText(List<CoapOption> options, int number, string text)
    {
        RequestPath.Check(text);
        options.Add(new CoapOption(number, Encoding.UTF8.GetBytes(text)));
    }

    private static void Add(List<CoapOption> options, int number, ReadOnlyMemory<byte> value, int shortest, int longest)
    {
        if (value.Length < shortest || value.Length > longest)
            throw new ArgumentException($"Option {number} has {shortest} to {longest} bytes, not {value.Length}.", nameof(value));
        options.Add(new CoapOption(number, value));
    }

    private static void AddFormat(List<CoapOption> options, int number, int? format)
    {
        if (format is not { } value)
            return;
        if (value is < 0 or > ushort.MaxValue)
            throw new ArgumentException($"A content-format is 0 to 65,535, not {value}.", nameof(format));

        var bytes = new byte[sizeof(ushort)];
        BinaryPrimitives.WriteUInt16BigEndian(bytes, (ushort)value);
        options.Add(
            new CoapOption(
                number,
                bytes.AsMemory(
                    value == 0 ? 2
                    : value < 256 ? 1
                    : 0
                )
            )
        );
    }
}
