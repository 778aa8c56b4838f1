using System.Reflection;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Metadata;

namespace Insa.Iiot.AspNetCore.Http;

/// <summary>A request's body, read strictly whatever the host has set for its own: nothing missing, null, unknown or twice.</summary>
internal sealed class Body<T>(T value) : IBody, IEndpointParameterMetadataProvider
    where T : class
{
    private const long MaxBytes = 1024 * 1024;

    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web)
    {
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        NumberHandling = JsonNumberHandling.Strict,
        MaxDepth = 16,
    };

    public T Value { get; } = value;

    public object Content => Value;

    public static void PopulateMetadata(ParameterInfo parameter, EndpointBuilder builder) =>
        builder.Metadata.Add(new AcceptsMetadata(["application/json"], typeof(T)));

    public static async ValueTask<Body<T>?> BindAsync(HttpContext context, ParameterInfo parameter)
    {
        if (!context.Request.HasJsonContentType())
            throw new BadHttpRequestException("The body is no JSON.", StatusCodes.Status415UnsupportedMediaType);
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = MaxBytes;
        try
        {
            var value = await JsonSerializer
                .DeserializeAsync<T>(context.Request.Body, Strict, context.RequestAborted)
                .ConfigureAwait(false);
            return new Body<T>(value ?? throw new BadHttpRequestException("The body is null."));
        }
        catch (JsonException e)
        {
            throw new BadHttpRequestException("The body cannot be read.", e);
        }
    }
}
