using System.Net;

namespace Insa.Iiot.AspNetCore.Problems;

/// <summary>The kinds of problems. Their names are part of the API: append, never rename.</summary>
internal sealed record ProblemKind(string Name, HttpStatusCode Status, string Title)
{
    public static readonly ProblemKind Invalid = new("invalid", HttpStatusCode.BadRequest, "The request is not valid.");
    public static readonly ProblemKind Unauthenticated = new(
        "unauthenticated",
        HttpStatusCode.Unauthorized,
        "The credential does not hold."
    );
    public static readonly ProblemKind SignInFailed = new("sign-in-failed", HttpStatusCode.Unauthorized, "The sign-in failed.");
    public static readonly ProblemKind NoTenant = new("no-tenant", HttpStatusCode.Forbidden, "The credential is for no tenant.");
    public static readonly ProblemKind TenantMismatch = new(
        "tenant-mismatch",
        HttpStatusCode.Forbidden,
        "The request names another tenant than its credential."
    );
    public static readonly ProblemKind TenantInactive = new("tenant-inactive", HttpStatusCode.Forbidden, "The tenant is not active.");
    public static readonly ProblemKind AddressNotAllowed = new(
        "address-not-allowed",
        HttpStatusCode.Forbidden,
        "The tenant does not allow requests from this address."
    );
    public static readonly ProblemKind PermissionDenied = new("permission-denied", HttpStatusCode.Forbidden, "A permission is missing.");
    public static readonly ProblemKind Escalation = new("escalation", HttpStatusCode.Forbidden, "Nobody grants what they do not hold.");
    public static readonly ProblemKind DeviceNotAllowed = new(
        "device-not-allowed",
        HttpStatusCode.Forbidden,
        "The device may not publish for the one that is named, or there is no such device."
    );
    public static readonly ProblemKind FeatureOff = new("feature-off", HttpStatusCode.Forbidden, "The tenant does not have this feature.");
    public static readonly ProblemKind LimitReached = new("limit-reached", HttpStatusCode.Forbidden, "A limit of the tenant is reached.");
    public static readonly ProblemKind NotFound = new("not-found", HttpStatusCode.NotFound, "Not found.");
    public static readonly ProblemKind Exists = new("exists", HttpStatusCode.Conflict, "There is one already.");
    public static readonly ProblemKind Conflict = new("conflict", HttpStatusCode.Conflict, "It cannot be done in this state.");
    public static readonly ProblemKind InProgress = new(
        "in-progress",
        HttpStatusCode.Conflict,
        "The same request is being worked on already."
    );
    public static readonly ProblemKind Changed = new(
        "changed",
        HttpStatusCode.PreconditionFailed,
        "It was changed meanwhile: read it again, and decide again."
    );
    public static readonly ProblemKind TooLarge = new("too-large", HttpStatusCode.RequestEntityTooLarge, "The request is too large.");
    public static readonly ProblemKind UnsupportedFormat = new(
        "unsupported-format",
        HttpStatusCode.UnsupportedMediaType,
        "The content type is not known."
    );
    public static readonly ProblemKind KeyReused = new(
        "idempotency-key-reused",
        HttpStatusCode.UnprocessableEntity,
        "The idempotency key was used for another request."
    );
    public static readonly ProblemKind NotKept = new(
        "not-kept",
        HttpStatusCode.UnprocessableEntity,
        "The host's store does not keep this by itself."
    );
    public static readonly ProblemKind PreconditionRequired = new(
        "precondition-required",
        HttpStatusCode.PreconditionRequired,
        "Say which version you have seen: If-Match."
    );

    // The name is that of draft-ietf-httpapi-ratelimit-headers §7.1, for what it says is the same.
    public static readonly ProblemKind QuotaExceeded = new(
        "quota-exceeded",
        HttpStatusCode.TooManyRequests,
        "Too much in too short a time."
    );
    public static readonly ProblemKind Busy = new("busy", HttpStatusCode.ServiceUnavailable, "The host cannot do it now: try again later.");
    public static readonly ProblemKind NotAvailable = new("not-available", HttpStatusCode.NotImplemented, "The host does not have this.");
    public static readonly ProblemKind NotDelivered = new(
        "not-delivered",
        HttpStatusCode.BadGateway,
        "The invitation could not be delivered."
    );
    public static readonly ProblemKind Failed = new("failed", HttpStatusCode.InternalServerError, "The host has failed.");

    /// <summary>All of them.</summary>
    public static IReadOnlyList<ProblemKind> All { get; } =
    [
        .. typeof(ProblemKind)
            .GetFields(System.Reflection.BindingFlags.Public | System.Reflection.BindingFlags.Static)
            .Select(field => field.GetValue(null))
            .OfType<ProblemKind>(),
    ];
}
