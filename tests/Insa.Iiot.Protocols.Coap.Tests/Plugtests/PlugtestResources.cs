using System.Collections.Concurrent;
using System.Globalization;
using System.Text;

namespace Insa.Iiot.Protocols.Coap.Tests.Plugtests;

/// <summary>The resources that the ETSI CoAP#4 plugtest cases ask of a server.</summary>
internal sealed class PlugtestResources
{
    private const int LargeLength = 1700;

    private readonly ConcurrentDictionary<string, (byte[] Body, int? Format)> _bodies = new();
    private readonly TaskCompletionSource _separate = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public CoapResource Observed { get; private set; } = null!;

    public CoapResource ObservedNon { get; private set; } = null!;

    public CoapResource ObservedLarge { get; private set; } = null!;

    public static string Large { get; } =
        string.Concat(Enumerable.Range(0, LargeLength / 10).Select(i => i.ToString("D9", CultureInfo.InvariantCulture) + "\n"));

    /// <summary>Lets <c>/separate</c> answer.</summary>
    public void ReleaseSeparate() => _separate.TrySetResult();

    public void Set(string path, byte[] body, int format = CoapContentFormat.Text) => _bodies[path] = (body, format);

    public void AddTo(CoapServerOptions coap)
    {
        Set("test", "a test"u8.ToArray());
        Set("validate", "valid"u8.ToArray());
        Set("obs", "0"u8.ToArray());
        Set("obs-non", "0"u8.ToArray());
        Set("obs-large", Encoding.UTF8.GetBytes(Large));
        foreach (var path in new[] { "test", "validate", "create1", "large-update", "large-create" })
            AddStored(coap, path);
        coap.Map("seg1/seg2/seg3").On(CoapCode.Get, (_, _) => Text("three segments"));
        coap.Map("query").On(CoapCode.Get, (context, _) => Text(string.Join('&', context.Queries)));
        coap.Map("separate")
            .On(
                CoapCode.Get,
                async (_, _) =>
                {
                    await _separate.Task;
                    return await Text("late");
                }
            );
        coap.Map("large").On(CoapCode.Get, (_, _) => Text(Large));
        coap.Map("large-post")
            .On(CoapCode.Post, (context, _) => Text(Encoding.UTF8.GetString(context.Payload.Span).ToUpperInvariant(), CoapCode.Changed));
        coap.Map("location-query")
            .On(
                CoapCode.Post,
                (_, _) => ValueTask.FromResult(new CoapResponse(CoapCode.Created) { LocationQuery = ["first=1", "second=2"] })
            );
        coap.Map("multi-format").On(CoapCode.Get, (context, _) => MultiFormat(context.Accept));
        Observed = AddObserved(coap, "obs", confirms: true);
        ObservedNon = AddObserved(coap, "obs-non", confirms: false);
        ObservedLarge = AddObserved(coap, "obs-large", confirms: false);
        AddLinks(coap);
    }

    private static void AddLinks(CoapServerOptions coap)
    {
        (string Path, string Rt, string If, string Size)[] links =
        [
            ("link1", "Type1 Type2", "If1", ""),
            ("link2", "Type2 Type3", "If2", ""),
            ("link3", "Type1 Type3", "foo", "10"),
        ];
        foreach (var (path, rt, type, size) in links)
        {
            var resource = coap.Map(path).On(CoapCode.Get, (_, _) => Text(path));
            resource.Attributes["rt"] = rt;
            resource.Attributes["if"] = type;
            if (size.Length > 0)
                resource.Attributes["sz"] = size;
        }

        foreach (var path in new[] { "path", "path/sub1", "path/sub2", "path/sub3" })
            coap.Map(path).On(CoapCode.Get, (_, _) => Text(path)).Attributes["ct"] = "40";
    }

    private void AddStored(CoapServerOptions coap, string path) =>
        coap.Map(path)
            .On(CoapCode.Get, (context, _) => Read(path, context))
            .On(CoapCode.Put, (context, _) => Put(path, context))
            .On(CoapCode.Post, (context, _) => Post(path, context))
            .On(CoapCode.Delete, (_, _) => Delete(path));

    private CoapResource AddObserved(CoapServerOptions coap, string path, bool confirms)
    {
        var resource = coap.Map(path);
        resource.IsObservable = true;
        resource.ConfirmsNotifications = confirms;
        return resource
            .On(CoapCode.Get, (context, _) => Read(path, context))
            .On(
                CoapCode.Put,
                (context, _) =>
                {
                    var answer = Put(path, context);
                    resource.NotifyChanged();
                    return answer;
                }
            )
            .On(
                CoapCode.Delete,
                (_, _) =>
                {
                    var answer = Delete(path);
                    resource.NotifyChanged();
                    return answer;
                }
            );
    }

    private ValueTask<CoapResponse> Read(string path, CoapContext context)
    {
        if (!_bodies.TryGetValue(path, out var stored))
            return ValueTask.FromResult(new CoapResponse(CoapCode.NotFound));
        var etag = ETagOf(stored.Body);
        var isValid = context.ETags.Any(known => known.Span.SequenceEqual(etag));
        return ValueTask.FromResult(
            new CoapResponse(isValid ? CoapCode.Valid : CoapCode.Content)
            {
                ETag = etag,
                MaxAge = TimeSpan.FromSeconds(30),
                Payload = isValid ? default : stored.Body,
                ContentFormat = isValid ? null : stored.Format,
            }
        );
    }

    private ValueTask<CoapResponse> Put(string path, CoapContext context)
    {
        var exists = _bodies.TryGetValue(path, out var stored);
        var isRefused =
            (context.IfNoneMatch && exists)
            || (
                context.IfMatch.Count > 0
                && !(exists && context.IfMatch.Any(match => match.IsEmpty || match.Span.SequenceEqual(ETagOf(stored.Body))))
            );
        if (isRefused)
            return ValueTask.FromResult(new CoapResponse(CoapCode.PreconditionFailed));
        _bodies[path] = (context.Payload.ToArray(), context.ContentFormat);
        return ValueTask.FromResult(new CoapResponse(exists ? CoapCode.Changed : CoapCode.Created));
    }

    private ValueTask<CoapResponse> Post(string path, CoapContext context)
    {
        _bodies[path] = (context.Payload.ToArray(), context.ContentFormat);
        return ValueTask.FromResult(new CoapResponse(CoapCode.Created) { LocationPath = ["location1", "location2", "location3"] });
    }

    private ValueTask<CoapResponse> Delete(string path)
    {
        _bodies.TryRemove(path, out _);
        return ValueTask.FromResult(new CoapResponse(CoapCode.Deleted));
    }

    private static ValueTask<CoapResponse> MultiFormat(int? accept) =>
        accept switch
        {
            null or CoapContentFormat.Text => Text("multi"),
            41 => ValueTask.FromResult(new CoapResponse(CoapCode.Content) { ContentFormat = 41, Payload = "<multi/>"u8.ToArray() }),
            _ => ValueTask.FromResult(new CoapResponse(CoapCode.NotAcceptable)),
        };

    private static ValueTask<CoapResponse> Text(string text, CoapCode? code = null) =>
        ValueTask.FromResult(
            new CoapResponse(code ?? CoapCode.Content) { ContentFormat = CoapContentFormat.Text, Payload = Encoding.UTF8.GetBytes(text) }
        );

    private static byte[] ETagOf(byte[] body) => System.Security.Cryptography.SHA256.HashData(body)[..4];
}
